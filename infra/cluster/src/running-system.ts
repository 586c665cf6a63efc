import { OwnToken } from '@eco/access';
import type { Address, Login } from '@eco/base';
import type { Management } from '@eco/broker';
import type { BrokerUser } from '@eco/contracts';
import { DATABASE_NAME } from '@eco/postgres';
import {
  brokerAddresses,
  clientUrlOf,
  managementUrlOf,
  operatorsUrlOf,
  trustLayout,
  type App,
  type BrokerNode,
  type GroupLayout,
  type Layout,
  type ServiceNode,
} from './layout.js';
import { Refused } from './refused.js';
import type { DatabaseAccess } from './running-cluster.js';
import { brokerLogin, type DatabaseLogin, type Secrets } from './secrets.js';

/** The part of the secrets by which clients of a system log in. */
export type SystemSecrets = Pick<Secrets, 'broker' | 'database' | 'tokens'>;

type TokenRole = 'administrator' | 'manager' | 'operator';

/**
 * A running system as its operators and clients reach it, whatever runs it: addresses, log-ins and tokens. From its
 * creation on, this process trusts the system's certificates.
 */
export class RunningSystem {
  constructor(
    readonly layout: Layout,
    readonly secrets: SystemSecrets,
  ) {
    trustLayout(layout);
  }

  get groups(): readonly GroupLayout[] {
    return this.layout.groups;
  }

  /** Addresses of the brokers for messages. */
  get brokers(): Address[] {
    return brokerAddresses(this.layout);
  }

  get tokens(): Secrets['tokens'] {
    return this.secrets.tokens;
  }

  /** The first service of an app. Throws a `Refused` if the system has none. */
  serviceOf(app: App): ServiceNode {
    const service = this.layout.services.find((each) => each.app === app);
    if (service === undefined) throw new Refused(`the system has no ${app}: start it without --no-services`);
    return service;
  }

  servicesOf(app: App): ServiceNode[] {
    return this.layout.services.filter((each) => each.app === app);
  }

  /** URL of an app's first service for clients. Throws a `Refused` if there is none, or if it does not run. */
  urlOf(app: App): string {
    const service = this.serviceOf(app);
    if (!service.port) throw new Refused(`${app} does not run: see "npx eco status"`);
    return clientUrlOf(service);
  }

  operatorsUrlOf(app: App): string {
    return operatorsUrlOf(this.serviceOf(app));
  }

  /** Access to the brokers for messages. */
  brokerAccess(user: BrokerUser): Login & { readonly brokers: Address[] } {
    return { brokers: this.brokers, ...this.brokerLogin(user) };
  }

  /** Log-in of a broker user. Throws if the system has no such user. */
  brokerLogin(user: BrokerUser): Login {
    return brokerLogin(this.secrets, user);
  }

  /** The management API of a broker, by default of the first one. Throws a `Refused` if the system has no broker. */
  management(user: BrokerUser, broker: BrokerNode | undefined = this.layout.brokers[0]): Management {
    if (broker === undefined) throw new Refused('the system has no broker');
    return { url: managementUrlOf(broker), ...this.brokerLogin(user) };
  }

  /** Log-in of a database role. `postgres` is the superuser. */
  databaseLogin(role: DatabaseLogin): DatabaseAccess {
    return { user: role, password: this.secrets.database[role], database: DATABASE_NAME };
  }

  /** Tokens of a client that makes them itself, with the installation's keys. `name` is in them. */
  tokenOf(role: TokenRole, name = `eco ${role}`): OwnToken {
    return new OwnToken(this.tokens, { id: name, role });
  }
}
