import { sleep } from '@eco/base';
import type { RunningSystem } from '@eco/cluster';
import { ReplicationWatch, type NodeReplication } from '@eco/database';

export interface ReplicaLag {
  name: string;
  /** Lag in bytes and ms as the primary reports it. The fields below are the replica's report. */
  primaryLagBytes: number;
  primaryLagMs: number;
  ownLagBytes: number;
  ownLagMs: number;
}

const LAG_EVERY_MS = 500;

/** Observes replication while orders are written, and keeps the worst value of each replica. */
export class LagRecorder {
  readonly #watches: { group: string; watch: ReplicationWatch }[];
  readonly #highest = new Map<string, ReplicaLag>();
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #end: Promise<(NodeReplication & { group: string })[]> | undefined;

  constructor(target: RunningSystem) {
    const login = target.databaseLogin('eco_monitor');
    this.#watches = target.groups.map(({ id, nodes }) => ({ group: id, watch: new ReplicationWatch(nodes, login) }));
  }

  start(): void {
    this.#running = this.#run();
  }

  worst(): ReplicaLag[] {
    return [...this.#highest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Stops observing and returns the last observation. */
  stop(): Promise<(NodeReplication & { group: string })[]> {
    this.#end ??= (async () => {
      this.#stopped.abort();
      await this.#running;
      const last = await this.#look();
      for (const { watch } of this.#watches) watch.close();
      return last;
    })();
    return this.#end;
  }

  /** Observes one at a time, because on a busy machine an observation may take longer than the pause. */
  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#look();
      await sleep(LAG_EVERY_MS, signal);
    }
  }

  async #look(): Promise<(NodeReplication & { group: string })[]> {
    const seen = (
      await Promise.all(
        this.#watches.map(async ({ group, watch }) => (await watch.look()).map((node) => ({ ...node, group }))),
      )
    ).flat();
    for (const { name, role, seenByPrimary, seenByItself } of seen) {
      if (role !== 'replica') continue;
      const before = this.#highest.get(name);
      this.#highest.set(name, {
        name,
        primaryLagBytes: Math.max(before?.primaryLagBytes ?? 0, seenByPrimary?.lagBytes ?? 0),
        primaryLagMs: Math.max(before?.primaryLagMs ?? 0, seenByPrimary?.lagMs ?? 0),
        ownLagBytes: Math.max(before?.ownLagBytes ?? 0, seenByItself?.lagBytes ?? 0),
        ownLagMs: Math.max(before?.ownLagMs ?? 0, seenByItself?.lagMs ?? 0),
      });
    }
    return seen;
  }
}
