import { readFileSync } from 'node:fs';
import type { Login } from '@eco/base';
import {
  askControl,
  readRun,
  type ClusterInput,
  type Operation,
  type RunningBroker,
  type RunningDatabase,
  type RunningService,
} from '@eco/cluster';
import { manage, VHOST } from '@eco/broker';
import { ReplicationWatch, type LoginRole } from '@eco/database';
import { Metrics } from '@eco/observability';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import {
  Callers,
  eventually,
  startTestCluster,
  suiteProvider,
  type TestCluster,
  type TestProvider,
} from '@eco/testing';
import { BranchSystem } from '../branches/branch-system.js';
import { Api } from '../system/system.js';

/**
 * Deadline of waits, longer than any promised time. The measured times are printed, and a wait that ends here is a
 * failure.
 */
const PATIENCE = { deadlineMs: 120_000, pauseMs: 50 };
const GROUP = 'g1';

/** A line of `eco up` about what it did by itself. */
interface Said {
  readonly at: Date;
  readonly line: string;
}

interface FaultSystemOptions {
  /** Absent: as `npm start` describes it. */
  readonly description?: Omit<ClusterInput, 'dataDir' | 'ports'>;
  /** Processes of this machine that `eco up` watches: it starts again what ends, and replaces a lost primary. */
  readonly isSupervised?: boolean;
  /** What runs the servers if nobody supervises. Default: as ECO_TEST_PROVIDER says. */
  readonly provider?: TestProvider;
}

/** The whole system, with the actions that faults need. */
export class FaultSystem {
  readonly central: Api;
  readonly brokers: readonly RunningBroker[];
  readonly services: readonly RunningService[];
  readonly operator: Login;
  readonly read: Api;
  readonly callers: Callers;
  /** What the supervision has said. */
  readonly said: Said[] = [];
  /** Memory of each service when it was first queried, bytes, by name. */
  readonly #memoryBefore = new Map<string, number>();

  private constructor(readonly cluster: TestCluster) {
    this.brokers = cluster.brokers;
    this.services = cluster.services;
    this.operator = cluster.system.brokerLogin('operator');
    this.callers = new Callers(() => cluster.system.tokens);
    this.central = new Api(this.service('central-api').url, this.callers);
    this.read = new Api(this.service('read-service').url, this.callers);
  }

  static async start(options: FaultSystemOptions = {}): Promise<FaultSystem> {
    const { description = {}, isSupervised = false } = options;
    // Only `eco up` supervises, and it runs processes.
    const provider = isSupervised ? 'native' : (options.provider ?? (await suiteProvider()));
    const cluster = await startTestCluster(description, { provider });
    const system = new FaultSystem(cluster);
    if (isSupervised) await cluster.supervise((line) => system.said.push({ at: new Date(), line }));
    return system;
  }

  /** A system that something else has started. */
  static of(cluster: TestCluster): FaultSystem {
    return new FaultSystem(cluster);
  }

  /** Its branches, behind lines that can be cut. The caller starts them. */
  openBranches(settings: Readonly<Record<string, string>> = {}): Promise<BranchSystem> {
    return BranchSystem.of(this.cluster, settings);
  }

  /** The nodes of the database group. An upgrade replaces them. */
  get nodes(): readonly RunningDatabase[] {
    return this.cluster.groups[0]?.nodes ?? [];
  }

  /** Asks `eco up` for an operation, as `eco` does. */
  operate(operation: Operation): Promise<string> {
    return askControl(readRun(this.cluster.dataDir)?.control ?? '', operation);
  }

  service(name: string): RunningService {
    const found = this.services.find((each) => each.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  get writers(): RunningService[] {
    return this.services.filter(({ name }) => name.startsWith('shard-writer'));
  }

  /** Metrics of a service; undefined if it does not respond. */
  metrics({ operatorsUrl }: RunningService): Promise<Metrics | undefined> {
    return Metrics.of(operatorsUrl);
  }

  /** The writer that says that it leads, if it is another one than `other`. */
  async active(other?: RunningService): Promise<RunningService | undefined> {
    const asked = this.writers.filter((writer) => writer !== other);
    const leads = await Promise.all(
      asked.map(async (writer) => (await this.metrics(writer))?.value('eco_writer_leader') === 1),
    );
    return asked[leads.indexOf(true)];
  }

  untilActive(other?: RunningService): Promise<RunningService> {
    return eventually('a writer is active', () => this.active(other), { ...PATIENCE, pauseMs: 20 });
  }

  untilStandby(writer: RunningService): Promise<unknown> {
    return eventually(`${writer.name} stands by`, () => this.#standsBy(writer), PATIENCE);
  }

  /**
   * Returns the active writer, once all others stand by. Both are asked each time, because a failover may change the
   * leader meanwhile.
   */
  untilActiveAndStandby(): Promise<RunningService> {
    return eventually(
      'a writer is active, and the others stand by',
      async () => {
        const active = await this.active();
        const others = this.writers.filter((writer) => writer !== active);
        return (await Promise.all(others.map((writer) => this.#standsBy(writer)))).every(Boolean) && active;
      },
      PATIENCE,
    );
  }

  async #standsBy(writer: RunningService): Promise<boolean> {
    const { role } = (await new Api(writer.operatorsUrl).get('/health/ready')).body ?? {};
    return role === 'standby';
  }

  /**
   * Waits until every consumer of the brokers is working since this call: the active writer is subscribed to both
   * queues and has made a batch, and each consumer of events has received a heartbeat. Returns how long that took, ms.
   */
  async untilAttached(): Promise<number> {
    const startedAt = performance.now();
    const firsts = new Map<string, number>();
    await eventually(
      'all consumers are attached',
      async () => {
        const missing = await this.#missing(startedAt, firsts);
        if (missing.length > 0) throw new Error(missing.join('; '));
        return true;
      },
      PATIENCE,
    );
    return performance.now() - startedAt;
  }

  /** `firsts`: the counts when they were first read. */
  async #missing(startedAt: number, firsts: Map<string, number>): Promise<string[]> {
    const active = await this.active();
    if (active === undefined) return ['no writer is active'];
    const [writer, central] = await Promise.all([this.metrics(active), this.metrics(this.service('central-api'))]);
    const hasGrown = (what: string, count: number | undefined) => {
      const first = firsts.get(what);
      if (first === undefined && count !== undefined) firsts.set(what, count);
      return first !== undefined && count !== undefined && count > first;
    };
    const queues = ['orders', 'products']
      .map((kind) => `${kind}.${GROUP}`)
      .filter((queue) => writer?.value('eco_consumer_subscribed', { queue }) !== 1);
    const sinceSeconds = (performance.now() - startedAt) / 1000;
    const deaf = ['customers', 'statistics', 'notifications'].filter((name) => {
      const silent = central?.value('eco_subscription_silent_seconds', { consumer: name });
      return silent === undefined || !(silent < sinceSeconds);
    });
    const writes = hasGrown(active.name, writer?.value('eco_writer_seq'));
    const counts = hasGrown('statistics', central?.value('eco_changes_applied_total', { consumer: 'statistics' }));
    return [
      ...queues.map((queue) => `nobody takes ${queue}`),
      ...(writes ? [] : [`${active.name} makes no batch`]),
      ...(counts ? [] : ['statistics apply nothing']),
      ...deaf.map((name) => `${name} receives no heartbeat`),
    ];
  }

  /** Runs SQL on the current primary. It is looked up each time, because faults change it. */
  async sql<R extends Record<string, unknown>>(
    text: string,
    values: unknown[] = [],
    { on, role = 'eco_operator' }: { on?: RunningDatabase; role?: LoginRole | 'postgres' } = {},
  ): Promise<R[]> {
    using connection = new SideConnection(on ?? (await this.primary()), this.login(role), 'eco faults');
    return await connection.ask<R>(text, values, 60_000);
  }

  /** Waits for a primary, because after a fault there may be none for a while. */
  primary(): Promise<RunningDatabase> {
    return eventually(
      'a database says that it is primary',
      async () => {
        const found = primaryOf(await askNodes(this.nodes, this.login('eco_reader'), 5000))?.node;
        return this.nodes.find(({ host, port }) => host === found?.host && port === found.port);
      },
      PATIENCE,
    );
  }

  /** Waits until every node streams from the primary. */
  async untilReplicasStream(): Promise<void> {
    const watch = new ReplicationWatch(this.nodes, this.login('eco_monitor'));
    try {
      await eventually(
        'all replicas stream',
        async () => {
          const streaming = (await watch.look()).filter(({ seenByPrimary }) => seenByPrimary?.state === 'streaming');
          return streaming.length === this.nodes.length - 1;
        },
        PATIENCE,
      );
    } finally {
      watch.close();
    }
  }

  login(role: LoginRole | 'postgres') {
    const { user, password } = this.cluster.system.databaseLogin(role);
    return { user, password };
  }

  /** The broker with the leader of a command queue. */
  async leaderOf(queue: string): Promise<RunningBroker> {
    return eventually(
      `${queue} has a leader`,
      async () => {
        for (const broker of this.brokers) {
          const { leader } = await this.#management<{ leader?: string }>(broker, `queues/${VHOST}/${queue}`);
          const found = this.brokers.find(({ erlangName }) => leader === erlangName);
          if (found !== undefined) return found;
        }
        return undefined;
      },
      PATIENCE,
    );
  }

  async #management<T extends object>({ managementUrl }: RunningBroker, what: string): Promise<Partial<T>> {
    const management = { url: managementUrl, ...this.operator };
    const answered = manage(management, `/api/${what}`, { deadlineMs: 5000 }) as Promise<T>;
    return answered.catch(() => ({}));
  }

  /** Resident memory of each service, MB: now, and when it was first queried. */
  memory(): { name: string; beforeMb: number; nowMb: number }[] {
    const processes = readRun(this.cluster.dataDir)?.processes ?? [];
    return this.services.flatMap(({ name }) => {
      const pid = processes.find((each) => each.name === name)?.pid;
      const status = pid === undefined ? '' : readFileSync(`/proc/${pid}/status`, 'utf8');
      const kilobytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
      if (Number.isNaN(kilobytes)) return [];
      const nowMb = Math.round(kilobytes / 1024);
      const beforeMb = this.#memoryBefore.get(name) ?? nowMb;
      this.#memoryBefore.set(name, beforeMb);
      return [{ name, beforeMb, nowMb }];
    });
  }
}
