import type { Log } from '@eco/base';

/**
 * How long the leader keeps deliveries while the database does not answer. A busy server needs seconds for a batch. A
 * broker gives up a consumer that keeps a delivery for 30 minutes.
 */
const HOLD_MS = 60_000;
/**
 * A COMMIT that has waited this long for a replica may be on a replaced primary, because a leader that is cut off from
 * the other nodes does not learn of its replacement. The leader then requeues its deliveries, so that the next leader
 * can process them.
 */
const REPLICA_WAIT_MS = 5000;
const LOOK_EVERY_MS = 500;

/** The property of the writer's session that `DatabaseWait` reads. */
export interface ReplicaWait {
  /** Time for which a COMMIT has waited for a replica, ms. 0: it does not wait. */
  readonly replicaWaitMs: number;
}

export interface DatabaseWaitOptions {
  /** Requeues all deliveries that are not acknowledged. */
  requeue: () => Promise<void>;
  log: Log;
}

/**
 * Bounds how long the leader keeps deliveries while it waits for the database. Past the limit it requeues all of them,
 * including those that have just arrived and were not taken yet. A late answer then acknowledges nothing, and a command
 * that is delivered again gets its first outcome.
 */
export class DatabaseWait {
  #since: number | undefined;
  #hasRequeued = false;
  readonly #options: DatabaseWaitOptions;

  constructor(options: DatabaseWaitOptions) {
    this.#options = options;
  }

  /** Duration of the current wait, ms; 0: nothing waits. */
  get waitedMs(): number {
    return this.#since === undefined ? 0 : performance.now() - this.#since;
  }

  /** True: the last `during` requeued the deliveries. */
  get hasRequeued(): boolean {
    return this.#hasRequeued;
  }

  /** Awaits `work`, which settles however late the database answers. */
  async during<T>(session: ReplicaWait, work: Promise<T>): Promise<T> {
    let requeued: Promise<void> | undefined;
    this.#hasRequeued = false;
    this.#since = performance.now();
    const timer = setInterval(() => {
      const { waitedMs } = this;
      const { replicaWaitMs } = session;
      if (waitedMs < HOLD_MS && Math.min(waitedMs, replicaWaitMs) < REPLICA_WAIT_MS) return;
      clearInterval(timer);
      this.#options.log.warn(
        { waitedMs: Math.round(waitedMs), replicaWaitMs: Math.round(replicaWaitMs) },
        'database wait exceeded its limit; closing the channels so that deliveries are requeued',
      );
      this.#hasRequeued = true;
      requeued = this.#options.requeue();
    }, LOOK_EVERY_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      this.#since = undefined;
      await requeued;
    }
  }
}
