import type { MixedLoad } from '../faults/mixed-load.js';
import type { Window } from '../faults/window.js';

const EVERY_MS = 1000;

/** What clients experienced in one second. */
export interface Sample {
  readonly atMs: number;
  readonly accepted: number;
  readonly decided: number;
  readonly refused: number;
  readonly sales: number;
  readonly reads: number;
}

type Totals = Omit<Sample, 'atMs'>;

/** Samples the counters of a load every second. */
export class Sampler {
  readonly samples: Sample[] = [];
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(load: MixedLoad, window: Window) {
    let before = totalsOf(load, window);
    this.#timer = setInterval(() => {
      const now = totalsOf(load, window);
      const made = (name: keyof Totals) => now[name] - before[name];
      this.samples.push({
        atMs: this.nowMs,
        accepted: made('accepted'),
        decided: made('decided'),
        refused: made('refused'),
        sales: made('sales'),
        reads: made('reads'),
      });
      before = now;
    }, EVERY_MS);
  }

  /** Time since the begin, ms. */
  get nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function totalsOf({ readers, till }: MixedLoad, window: Window): Totals {
  return {
    accepted: window.acceptedCount,
    decided: window.decidedCount,
    refused: [...window.refusals.values()].reduce((sum, count) => sum + count, 0),
    sales: till.sales.length,
    reads: readers.reads,
  };
}
