import { PeriodicTask, type Log } from '@eco/base';
import { AbsentSlots, readAbsentSlots, renewAbsentSlot, type AbsentSlot } from '@eco/database';
import type { SideConnection } from '@eco/postgres';
import { readClocks, type Clocks } from './gauges.js';

/*
 * Watches what slows a group down in the long run without being noticed: the slot of an absent replica, and clocks that
 * differ. Every writer watches, the standby too, because a leader that can't reach the brokers gives up every few
 * seconds.
 */

const EVERY_MS = 2000;
/** Time limit of a query, ms. It is long, because the server may be busy and nothing waits for the result. */
const ANSWER_MS = 5000;
/** A clock that differs by more than this many seconds is set wrongly, not merely inexact. */
const CLOCK_S_MAX = 5;

export interface PrimaryWatchOptions {
  /** A connection to the primary as eco_writer; undefined while none is known. */
  primary: () => SideConnection | undefined;
  /** After this time the slot of an absent replica no longer holds back row versions. */
  absentMsMax: number;
  log: Log;
}

export class PrimaryWatch {
  readonly #slots = new AbsentSlots();
  #absent: readonly AbsentSlot[] = [];
  #renewed = 0;
  #clocks: Clocks | undefined;
  #clockDifference: string | undefined;
  readonly #looks = new PeriodicTask(() => this.#look(), EVERY_MS);
  readonly #options: PrimaryWatchOptions;

  constructor(options: PrimaryWatchOptions) {
    this.#options = options;
  }

  /** Slots that hold back vacuum while their replica is away. */
  get absent(): readonly AbsentSlot[] {
    return this.#absent;
  }

  /** Slots recreated since the process started. */
  get renewed(): number {
    return this.#renewed;
  }

  /** Differences of the clocks; undefined while the primary does not answer. */
  get clocks(): Clocks | undefined {
    return this.#clocks;
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  /** Checks the primary once. It never throws, because a primary that is away is reported elsewhere. */
  async #look(): Promise<void> {
    const primary = this.#options.primary();
    try {
      if (primary === undefined) throw new Error('no primary');
      this.#absent = this.#slots.observe(await readAbsentSlots(primary, ANSWER_MS), performance.now());
      for (const each of this.#absent) await this.#renewIfLong(primary, each);
      this.#clocks = await readClocks(primary, ANSWER_MS);
      this.#logClocks(this.#clocks);
    } catch {
      this.#absent = [];
      this.#clocks = undefined;
    }
  }

  async #renewIfLong(primary: SideConnection, { slot, absentMs }: AbsentSlot): Promise<void> {
    const { absentMsMax, log } = this.#options;
    if (absentMs < absentMsMax || !(await renewAbsentSlot(primary, slot, ANSWER_MS))) return;
    this.#renewed += 1;
    log.warn({ slot, absentMs }, 'recreated the slot of an absent replica so that it no longer holds back vacuum');
  }

  #logClocks({ groupAheadS, primaryAheadS }: Clocks): void {
    const fault =
      groupAheadS > CLOCK_S_MAX
        ? 'the clock of the primary went back: the clock of the group runs slower until they agree'
        : Math.abs(primaryAheadS) > CLOCK_S_MAX
          ? 'the clocks of the primary and of this process differ'
          : undefined;
    if (fault !== this.#clockDifference) {
      if (fault === undefined) this.#options.log.info({}, 'the clocks agree again');
      else this.#options.log.warn({ groupAheadS, primaryAheadS }, fault);
    }
    this.#clockDifference = fault;
  }
}
