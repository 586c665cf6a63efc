import { randomBytes } from 'node:crypto';
import { manage, type Management } from '../management-client.js';
import { applyDefinitions, limitQueues, limitUser } from '../management.js';
import { limitsOf } from '../permissions.js';
import type { Address } from '@eco/base';
import type { BrokerAccess } from '../connection.js';
import { brokerUsersOf, type BrokerUser } from '@eco/contracts';
import { brokerDefinitions, queuesMax } from '../topology.js';

/** A separate vhost on the test broker, with the topology, users and permissions of EcoMarket. */
export interface TestBroker {
  address: Address;
  management: Management;
  vhost: string;
  groups: string[];
  /** Access of a user, over `brokers` if given. */
  access(user: BrokerUser, brokers?: Address[]): BrokerAccess;
  /** Access as the administrator, who may do everything in the vhost. */
  administratorAccess(brokers?: Address[]): BrokerAccess;
  /** Calls the management API; throws unless it responds with 2xx. */
  manage(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Declares everything again; it was done once before the test. */
  declare(): Promise<void>;
  dispose(): Promise<void>;
}

/** `name` makes the vhost's name unique. */
export async function testBroker(name: string, groups: string[] = ['g1']): Promise<TestBroker> {
  const settings = readSettings();
  const vhost = `test-${name}-${randomBytes(4).toString('hex')}`;
  // Users belong to the whole broker, so all specs have the same ones; their permissions are those of the vhost.
  const { password } = settings.management;
  // The administrator is the broker's own.
  const users = brokerUsersOf({ branchIds: ['sucursal-1', 'sucursal-2'], groupIds: groups }).filter(
    (user) => user !== 'topology',
  );
  const definitions = brokerDefinitions({
    vhost,
    groups,
    brokers: 1,
    passwords: new Map(users.map((user) => [user, password])),
  });
  const declare = async () => {
    await applyDefinitions(settings.management, definitions);
    for (const { name: user } of definitions.users) {
      await limitUser(settings.management, user, limitsOf(user as BrokerUser));
    }
    await limitQueues(settings.management, vhost, queuesMax({ groups }));
  };
  await declare();
  return {
    address: settings.address,
    management: settings.management,
    vhost,
    groups,
    manage: (method, path, body) => manage(settings.management, path, { method, body }),
    declare,
    access: (user, brokers = [settings.address]) => ({ brokers, vhost, user, password }),
    administratorAccess: (brokers = [settings.address]) => ({
      brokers,
      vhost,
      user: settings.management.user,
      password: settings.management.password,
    }),
    dispose: async () => void (await manage(settings.management, `/api/vhosts/${vhost}`, { method: 'DELETE' })),
  };
}

function readSettings(): { management: Management; address: Address } {
  const need = (name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set: run integration specs by "npm run test:int".`);
    return value;
  };
  const [host, port] = (need('TEST_AMQP_BROKERS').split(',')[0] as string).split(':');
  return {
    management: {
      url: need('TEST_AMQP_MANAGEMENT_URL'),
      user: need('TEST_AMQP_USER'),
      password: need('TEST_AMQP_PASSWORD'),
    },
    address: { host: host as string, port: Number(port) },
  };
}
