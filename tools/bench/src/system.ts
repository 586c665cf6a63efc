import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { OwnToken } from '@eco/access';
import type { Address, Login } from '@eco/base';
import { commandQueue, VHOST } from '@eco/broker';
import { describeCluster, openCluster, operatorsUrlOf, type Cluster, type DatabaseAccess } from '@eco/cluster';
import type { Components } from './cpu.js';

const FREE_PORTS = { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, operators: 0 };

/**
 * The load comes from one address but represents all clients of a chain, so there are no budgets. Services inherit
 * these settings.
 */
const NO_BUDGETS = {
  ECO_REQUESTS_PER_MINUTE: '1000000000',
  ECO_ANONYMOUS_REQUESTS_PER_MINUTE: '1000000000',
  ECO_WAITS: '1000000',
  ECO_ANONYMOUS_WAITS: '1000000',
  ECO_TOTAL_WAITS: '1000000',
};

type Process = Cluster['processes'][number];

/** The whole EcoMarket system, on free ports in a temporary folder, so that it can run next to `npm start`. */
export class System {
  /** The client of a benchmark: the head office, which may order for every customer. */
  readonly token: OwnToken;
  readonly operator: OwnToken;
  readonly administrator: OwnToken;
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.token = cluster.system.tokenOf('manager', 'bench');
    this.operator = cluster.system.tokenOf('operator', 'bench');
    this.administrator = cluster.system.tokenOf('administrator', 'bench');
  }

  /** Not started yet. `destroy` ends it at any time; if this process ends without it, everything is removed anyway. */
  static async open(say: (line: string) => void): Promise<System> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'eco-bench-'));
    const description = describeCluster({ dataDir, ports: FREE_PORTS });
    Object.assign(process.env, NO_BUDGETS);
    return new System(await openCluster(description, { endWithUs: 'the cluster and its data', say }));
  }

  start(): Promise<void> {
    return this.#cluster.start();
  }

  destroy(): Promise<void> {
    return this.#cluster.destroy();
  }

  get centralUrl(): string {
    return this.#cluster.system.urlOf('central-api');
  }

  get centralOperatorsUrl(): string {
    return this.#cluster.system.operatorsUrlOf('central-api');
  }

  get readUrl(): string {
    return this.#cluster.system.urlOf('read-service');
  }

  /** The second node of a new cluster. */
  get replica(): Address {
    const node = this.#cluster.groups[0]?.nodes[1];
    if (node === undefined) throw new Error('the cluster has no replica');
    return node;
  }

  /** The first node of a new cluster. */
  get primary(): Address {
    const [group] = this.#cluster.groups;
    if (group === undefined) throw new Error('the cluster has no group');
    return group.nodes[0];
  }

  login(role: 'postgres' | 'eco_reader' | 'eco_operator' | 'eco_writer'): DatabaseAccess {
    return this.#cluster.system.databaseLogin(role);
  }

  /** Addresses of the writers, in the order of `writers`. */
  get writerUrls(): readonly string[] {
    return this.#cluster.system.servicesOf('shard-writer').map(operatorsUrlOf);
  }

  /** Access to the brokers as Central, which may send every command except those about dead letters. */
  get brokerAccess(): Login & { brokers: Address[] } {
    return this.#cluster.system.brokerAccess('central');
  }

  /** Empties the queue of orders. Call it only if no client was promised one of them. */
  async purgeOrders(): Promise<void> {
    await this.#cluster.brokers[0]?.control('purge_queue', '--vhost', VHOST, commandQueue('orders', 'g1'));
  }

  /** Brokers and databases keep running. */
  async endServices(): Promise<void> {
    for (const stage of ['APIs', 'read-service', 'writers'] as const) {
      await Promise.all(this.#stage(stage).map((process) => process.stop()));
    }
  }

  /** Ends services and brokers, because a user of the monolith has none. The databases keep running. */
  async suspend(): Promise<void> {
    await this.endServices();
    await Promise.all(this.#stage('brokers').map((process) => process.stop()));
  }

  /** Starts all brokers together, because one that was not the last to end waits for the others. */
  async resume(): Promise<void> {
    await Promise.all(this.#stage('brokers').map((each) => each.start()));
    await Promise.all(
      [...this.#stage('APIs'), ...this.#stage('read-service'), ...this.writers].map((each) => each.start()),
    );
  }

  get writers(): readonly Process[] {
    return this.#stage('writers');
  }

  get components(): Components {
    const pids = (processes: readonly Process[]) => processes.filter((each) => each.running).map(({ pid }) => pid);
    return {
      API: pids(this.#cluster.processes.filter(({ name }) => name === 'central-api')),
      brokers: pids([...this.#stage('brokers'), ...this.#stage('epmd')]),
      writer: pids(this.writers),
      ...this.databases,
      'read-service': pids(this.#stage('read-service')),
    };
  }

  get databases(): Components {
    return {
      primary: this.#stage('primaries').map(({ pid }) => pid),
      replicas: this.#stage('replicas').map(({ pid }) => pid),
    };
  }

  #stage(stage: Process['stage']): Process[] {
    return this.#cluster.processes.filter((process) => process.stage === stage);
  }
}
