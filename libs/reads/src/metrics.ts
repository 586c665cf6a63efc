import { Counter, Gauge, type Registry } from 'prom-client';
import type { ReadFailure, Source } from './answer.js';
import type { NodeStatus } from './nodes/node.js';

/** Metrics of reads; one instance per process. */
export class ReadMetrics {
  readonly #reads: Counter<'node' | 'role'>;
  readonly #failures: Counter<'group' | 'failure'>;
  readonly #retries: Counter<'node' | 'sqlstate'>;
  readonly #takenOver: Counter<'group'>;
  readonly #served = new Map<string, { inc(): void; count: number }>();

  constructor(registry: Registry, statuses: () => readonly NodeStatus[]) {
    const registers = [registry];
    this.#reads = new Counter({
      name: 'eco_reads_total',
      help: 'Reads answered, by node and its role',
      labelNames: ['node', 'role'],
      registers,
    });
    this.#failures = new Counter({
      name: 'eco_read_failures_total',
      help: 'Reads that no node could answer as required',
      labelNames: ['group', 'failure'],
      registers,
    });
    this.#retries = new Counter({
      name: 'eco_read_retries_total',
      help: 'Reads that failed on one node and were repeated on another; sqlstate is "connection" if there is none',
      labelNames: ['node', 'sqlstate'],
      registers,
    });
    this.#takenOver = new Counter({
      name: 'eco_read_primary_instead_total',
      help: 'Reads that used the primary because no replica fitted, within its budget',
      labelNames: ['group'],
      registers,
    });
    const gauge = (name: string, help: string, valueOf: (status: NodeStatus) => number | undefined) =>
      new Gauge({
        name,
        help,
        labelNames: ['node', 'role'],
        registers,
        collect() {
          this.reset();
          for (const status of statuses()) {
            const value = valueOf(status);
            if (value !== undefined) this.set({ node: status.name, role: status.role ?? 'unknown' }, value);
          }
        },
      });
    gauge('eco_read_node_reachable', '1 when the last probe of the node was answered', ({ reachable }) =>
      Number(reachable),
    );
    gauge(
      'eco_read_node_lag_seconds',
      'Age of the oldest batch that is not visible on the node; +Inf: unknown, because no primary has been reached',
      ({ position, lagMs = Infinity }) => (position === undefined ? undefined : lagMs / 1000),
    );
    gauge('eco_read_node_latency_seconds', 'Time a read takes lately', ({ latencyMs }) => latencyMs / 1000);
    gauge('eco_read_node_in_flight', 'Reads sent and not answered yet', ({ inFlight }) => inFlight);
    gauge('eco_read_node_slow_reads', 'Reports that run or wait for their turn', ({ slowReads }) => slowReads);
    gauge('eco_read_node_resting', '1 for 5 s after a failure that no client can cause', ({ isResting }) =>
      Number(isResting),
    );
    gauge('eco_read_node_follows', '1 when the primary sends the replica its log', ({ replication }) =>
      typeof replication?.follows === 'boolean' ? Number(replication.follows) : undefined,
    );
    gauge(
      'eco_read_node_lag_bytes',
      'Log that the replica has not replayed, as its primary sees it',
      ({ replication }) => replication?.seenByPrimary?.lagBytes,
    );
    gauge(
      'eco_read_node_retained_bytes',
      'Log that the primary keeps for the replica',
      ({ replication }) => replication?.slot?.retainedBytes,
    );
    gauge(
      'eco_read_node_conflicts',
      'Statements that recovery has cancelled there since its statistics began',
      ({ replication }) => replication?.seenByItself?.conflicts,
    );
  }

  answered({ node, role }: Source): void {
    const key = `${node} ${role}`;
    let served = this.#served.get(key);
    if (served === undefined) {
      const child = this.#reads.labels(node, role);
      served = { inc: () => child.inc(), count: 0 };
      this.#served.set(key, served);
    }
    served.count += 1;
    served.inc();
  }

  takenOver(group: string): void {
    this.#takenOver.inc({ group });
  }

  failed(group: string, failure: ReadFailure['type']): void {
    this.#failures.inc({ group, failure });
  }

  retried(node: string, sqlState: string | undefined): void {
    this.#retries.inc({ node, sqlstate: sqlState ?? 'connection' });
  }

  /** Reads that this node has answered since the process started, in any role. */
  readsOf(node: string): number {
    return ['primary', 'replica'].reduce((sum, role) => sum + (this.#served.get(`${node} ${role}`)?.count ?? 0), 0);
  }
}
