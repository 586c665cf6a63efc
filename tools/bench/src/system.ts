import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { commandQueue, VHOST } from '@eco/broker';
import { describeCluster, Cluster, openCluster, type DatabaseAccess } from '@eco/cluster';
import type { Components } from './cpu.js';

const FREE_PORTS = { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, writer: 0 };

type Process = Cluster['processes'][number];

/** All of ours, on free ports in a folder that goes with it, so that it may run beside `npm start`. */
export class System {
  private constructor(private readonly cluster: Cluster) {}

  /** Not started yet. `destroy` ends it at any time; when this process ends without it, it goes all the same. */
  static async open(say: (line: string) => void): Promise<System> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'eco-bench-'));
    const description = describeCluster({ dataDir, ports: FREE_PORTS });
    return new System(await openCluster(description, { endWithUs: 'the cluster and its data', say }));
  }

  start(): Promise<void> {
    return this.cluster.start();
  }

  destroy(): Promise<void> {
    return this.cluster.destroy();
  }

  get centralUrl(): string {
    return this.cluster.services.find(({ name }) => name === 'central-api')?.url ?? '';
  }

  get readUrl(): string {
    return this.cluster.services.find(({ name }) => name === 'read-service')?.url ?? '';
  }

  /** Of a cluster that was just made, the second node. */
  get replica(): { host: string; port: number } {
    const node = this.cluster.groups[0]?.nodes[1];
    if (node === undefined) throw new Error('the cluster has no replica');
    return { host: node.host, port: node.port };
  }

  /** Of a cluster that was just made, the first node. */
  get primary(): { host: string; port: number } {
    const [group] = this.cluster.groups;
    if (group === undefined) throw new Error('the cluster has no group');
    const { host, port } = group.nodes[0];
    return { host, port };
  }

  login(role: 'postgres' | 'eco_reader' | 'eco_writer'): DatabaseAccess {
    return this.cluster.databaseLogin(role);
  }

  /** In the order of `writers`. */
  get writerUrls(): readonly string[] {
    return this.writers.map(({ name }) => this.cluster.services.find((each) => each.name === name)?.url ?? '');
  }

  /** As operator, who may do everything. */
  get brokerAccess(): { brokers: { host: string; port: number }[]; user: string; password: string } {
    const brokers = this.cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort }));
    return { brokers, ...this.cluster.operator };
  }

  /** What lies in the queue of orders is gone. Only for orders that nobody was promised. */
  async purgeOrders(): Promise<void> {
    await this.cluster.brokers[0]?.control('purge_queue', '--vhost', VHOST, commandQueue('orders', 'g1'));
  }

  /** Brokers and databases go on. */
  async endServices(): Promise<void> {
    for (const stage of ['APIs', 'read-service', 'writers'] as const) {
      await Promise.all(this.#stage(stage).map((process) => process.stop()));
    }
  }

  /** Services and brokers end, as for somebody who does not have them; the databases go on. */
  async suspend(): Promise<void> {
    await this.endServices();
    await Promise.all(this.#stage('brokers').map((process) => process.stop()));
  }

  /** Brokers together: one that was not the last to end waits for the others. */
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
      API: pids(this.cluster.processes.filter(({ name }) => name === 'central-api')),
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
    return this.cluster.processes.filter((process) => process.stage === stage);
  }
}
