import type { ReadSession, Statement } from '@eco/postgres';

export interface SlowLaneLimits {
  /** Slow reads that may wait for the connection; further ones are refused. */
  readonly waitingMax: number;
  /** Longest wait for the connection, ms. */
  readonly waitMs: number;
}

/** The read was refused because the lane is full, or because it has waited too long. The node is healthy. */
export class SlowLaneFullError extends Error {
  override readonly name = 'SlowLaneFullError';
}

interface Waiter {
  readonly go: () => void;
  readonly end: (error: Error) => void;
}

/**
 * Slow reads have one separate connection per node and wait for it here. On a connection shared with other reads, those
 * would wait behind them and time out (measured with six clients of a report: 387 → 23 reads/s).
 */
export class SlowLane {
  #session: ReadSession | undefined;
  #isBusy = false;
  readonly #waiting = new Set<Waiter>();
  readonly #limits: SlowLaneLimits;
  readonly #open: () => Promise<ReadSession>;

  constructor(limits: SlowLaneLimits, open: () => Promise<ReadSession>) {
    this.#limits = limits;
    this.#open = open;
  }

  /** Slow reads that run or wait. */
  get length(): number {
    return this.#waiting.size + Number(this.#isBusy);
  }

  /** Throws a `SlowLaneFullError`, or a `ReadError` when there is no answer. */
  async query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    await this.#turn();
    try {
      if (this.#session === undefined || this.#session.isClosed) this.#session = await this.#open();
      return await this.#session.query<Row>(statement, values);
    } finally {
      const [next] = this.#waiting;
      if (next === undefined) this.#isBusy = false;
      else next.go();
    }
  }

  /** The running read and the waiting reads fail with this error. */
  drop(error: Error): void {
    this.#session?.close();
    this.#session = undefined;
    for (const waiter of this.#waiting) waiter.end(error);
  }

  async #turn(): Promise<void> {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return;
    }
    const { waitingMax, waitMs } = this.#limits;
    if (this.#waiting.size >= waitingMax) throw new SlowLaneFullError(`${waitingMax} slow reads wait already`);
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        go: () => {
          leave();
          resolve();
        },
        end: (error) => {
          leave();
          reject(error);
        },
      };
      const late = new SlowLaneFullError(`a slow read has waited for ${waitMs} ms`);
      const timer = setTimeout(waiter.end, waitMs, late);
      this.#waiting.add(waiter);
    });
  }
}
