import { sleep } from '@eco/base';
import { Metrics } from '@eco/observability';
import type { GroupWatch } from './group-watch.js';
import type { Committed, MeasuredSystem } from './measured-system.js';
import type { System } from './system.js';

/** Pause between two queries of the group's progress; they take less than 1 % of a core. */
const LOOK_MS = 20;
/** The writer is idle if it has made no batch for this time. */
const IDLE_MS = 150;
/** Time without a decision after which the remaining orders will not be decided. */
const PATIENCE_MS = 30_000;
/** Consumers of events may be behind after a burst, and they share the machine. */
const LEVEL_MS = 180_000;
const ANSWER_MS = 10_000;

/** EcoMarket: orders are sent to Central, and counted as rows that are on two machines. */
export class EcoMarketSystem implements MeasuredSystem {
  readonly name = 'ours';
  readonly #system: System;
  readonly #watch: GroupWatch;

  constructor(system: System, watch: GroupWatch) {
    this.#system = system;
    this.#watch = watch;
  }

  get url(): string {
    return this.#system.centralUrl;
  }

  get components(): MeasuredSystem['components'] {
    return this.#system.components;
  }

  mark(): Promise<number> {
    return this.#watch.seq();
  }

  async committedSince(mark: number, accepted: number): Promise<Committed> {
    let seq = await this.#watch.seq();
    let lastMs = performance.now();
    for (;;) {
      await sleep(LOOK_MS);
      const now = await this.#watch.seq();
      if (now !== seq) {
        seq = now;
        lastMs = performance.now();
      } else if (performance.now() - lastMs >= IDLE_MS) {
        const { orders, rejected } = await this.#watch.ordersAfter(mark);
        if (orders >= accepted) return { orders, rejected, lastMs };
        if (performance.now() - lastMs > PATIENCE_MS) {
          throw new Error(`${accepted} orders were accepted and only ${orders} decided: the writers' logs may say why`);
        }
      }
    }
  }

  /** Waits until the consumers of events have caught up; returns how long that took, s. */
  async untilConsumersAreLevel(): Promise<number> {
    const startedMs = performance.now();
    for (;;) {
      const metrics = await Metrics.of(this.#system.centralOperatorsUrl, ANSWER_MS);
      if (metrics === undefined) throw new Error('the central-api does not answer for its metrics');
      const behind = metrics.values('eco_changes_behind_batches');
      const seconds = (performance.now() - startedMs) / 1000;
      if (behind.every((batches) => batches === 0)) return seconds;
      if (seconds * 1000 > LEVEL_MS)
        throw new Error(`consumers of events are still ${behind.join(', ')} batches behind`);
      await sleep(100);
    }
  }
}
