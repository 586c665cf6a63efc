import path from 'node:path';
import { brokenChecks, verifyGroup } from '@eco/database';
import { measureDrain } from './drain.js';
import { measureWriterOnly } from './writer-only.js';
import { startProgram } from './forked-program.js';
import { GroupWatch } from './group-watch.js';
import { MonolithDatabase } from './monolith/monolith-database.js';
import { Monolith } from './monolith/monolith.js';
import { thisMachine } from './machine.js';
import type { BenchOptions } from './options.js';
import { EcoMarketSystem } from './ecomarket-system.js';
import { addProducts, productsOf } from './products.js';
import type { Measured } from './summary.js';
import { measureSegment, type LoadSettings, type Segment, type SegmentSpec } from './segment.js';
import type { MeasuredSystem } from './measured-system.js';
import type { System } from './system.js';
import { startLoad, type OrderKind } from './wrk/wrk.js';

/**
 * The whole measurement, round by round: first the monolith, without EcoMarket's brokers and services, because its
 * users don't run them, then EcoMarket. Both use the same primary, so they have the same durability: a commit waits for
 * a replica.
 */
export class Bench {
  readonly measured: Measured;
  readonly #load: LoadSettings;
  readonly #watch: GroupWatch;
  readonly #ours: EcoMarketSystem;
  readonly #poolSizes = new Map<OrderKind, number>();
  readonly #system: System;
  readonly #options: BenchOptions;
  readonly #say: (line: string) => void;
  readonly #signal: AbortSignal;

  constructor(system: System, options: BenchOptions, wrk: string, say: (line: string) => void, signal: AbortSignal) {
    this.#system = system;
    this.#options = options;
    this.#say = say;
    this.#signal = signal;
    const { products, customers } = options;
    this.#load = { wrk, products, customers, token: system.token, signal };
    this.#watch = new GroupWatch(system.primary, system.login('eco_reader'));
    this.#ours = new EcoMarketSystem(system, this.#watch);
    this.measured = {
      ...{ options, machine: thisMachine(), bare: [], pools: [], segments: [], drains: [], floors: [] },
      ...{ consumersBehindSeconds: [], faults: [] },
    };
  }

  /** The results are in `measured`. Rejects if the signal aborts, or a part failed. */
  async run(): Promise<void> {
    const { rounds, products, sides } = this.#options;
    const stocked = productsOf(products);
    this.#say(`creating ${stocked.length} products`);
    await addProducts(this.#system.centralUrl, this.#system.token, stocked);
    const superuser = { ...this.#system.primary, ...this.#system.login('postgres') };
    const database = await MonolithDatabase.create(superuser, stocked);
    try {
      for (let round = 1; round <= rounds; round += 1) {
        if (sides.includes('monolith') || this.#measures('floor') || this.#measures('bare')) {
          this.#say(`round ${round} of ${rounds}: stopping brokers and services`);
          await this.#system.suspend();
          await this.#measureWithoutOurs(round, database);
          this.#say('starting brokers and services again');
          await this.#system.resume();
        }
        if (sides.includes('ours')) await this.#measureOurs(round);
      }
      await this.#verify();
    } finally {
      await database.close();
      this.#watch.close();
    }
  }

  #measures(part: BenchOptions['parts'][number]): boolean {
    return this.#options.parts.includes(part);
  }

  get #kinds(): OrderKind[] {
    return (['mixed', 'hot'] as const).filter((kind) => this.#measures(kind));
  }

  async #measureWithoutOurs(round: number, database: MonolithDatabase): Promise<void> {
    const { callers, orders, batchLimit, products, customers, sides } = this.#options;
    if (round === 1 && this.#measures('bare')) await this.#measureBare();
    if (sides.includes('monolith')) {
      for (const kind of this.#kinds) {
        const poolSize = this.#poolSizes.get(kind) ?? (await this.#choosePool(kind, database));
        await this.#withMonolith(database, poolSize, async (monolith) => {
          for (const count of callers) await this.#segment(monolith, round, { kind, callers: count, waitSeconds: 0 });
        });
      }
    }
    if (!this.#measures('floor')) return;
    for (const kind of ['mixed', 'hot'] as const) {
      const writerOnly = await measureWriterOnly({ kind, orders, batchLimit, products, customers }, this.#system);
      this.measured.floors.push(writerOnly);
      this.#say(
        `writer only, ${kind}: ${whole(writerOnly.perSecond)} orders/s, ${whole(writerOnly.walBytes)} bytes of WAL an order`,
      );
    }
  }

  async #measureOurs(round: number): Promise<void> {
    const { callers, orders } = this.#options;
    for (const kind of this.#kinds) {
      for (const count of callers) await this.#segment(this.#ours, round, { kind, callers: count, waitSeconds: 0 });
    }
    if (this.#measures('wait')) {
      for (const count of callers)
        await this.#segment(this.#ours, round, { kind: 'mixed', callers: count, waitSeconds: WAIT_S });
    }
    if (!this.#measures('drain')) return;
    for (const kind of ['mixed', 'hot'] as const) {
      await this.#levelConsumers();
      const parts = { system: this.#system, ours: this.#ours, watch: this.#watch };
      const drain = await measureDrain(kind, orders, parts, this.#load);
      this.measured.drains.push(drain);
      this.#say(
        `drain, ${kind}: ${whole(drain.perSecond)} orders/s, ${whole(drain.orders)} in ${drain.batches} batches`,
      );
    }
  }

  async #segment(
    side: MeasuredSystem,
    round: number,
    load: Pick<SegmentSpec, 'kind' | 'callers' | 'waitSeconds'>,
  ): Promise<Segment> {
    this.#signal.throwIfAborted();
    const { seconds, warmUpSeconds } = this.#options;
    if (side === this.#ours) await this.#levelConsumers();
    // The same orders for both systems, different ones in each round.
    if (warmUpSeconds > 0) {
      await measureSegment(side, { ...load, seconds: warmUpSeconds, seed: 1000 + round }, this.#load);
    }
    const segment = await measureSegment(side, { ...load, seconds, seed: round }, this.#load);
    const { callers, committedPerSecond, answersPerSecond, p50Ms, p99Ms, faulty } = segment;
    const what = `${side.name}, ${load.kind}, ${callers} callers${load.waitSeconds > 0 ? ', Prefer: wait' : ''}`;
    const rates = `${whole(committedPerSecond)} committed/s, ${whole(answersPerSecond)} answers/s`;
    this.#say(`${what}: ${rates}, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`);
    if (faulty > 0) this.measured.faults.push(`${what}, round ${round}: ${faulty} orders failed or were refused`);
    this.measured.segments.push(segment);
    return segment;
  }

  async #levelConsumers(): Promise<void> {
    this.measured.consumersBehindSeconds.push(await this.#ours.untilConsumersAreLevel());
  }

  /** Tries each size briefly; the monolith then uses the best one for this kind of order. */
  async #choosePool(kind: OrderKind, database: MonolithDatabase): Promise<number> {
    const { pools } = this.#options;
    let best = { poolSize: pools[0] ?? 1, committedPerSecond: 0 };
    if (pools.length > 1) {
      for (const poolSize of pools) {
        const { committedPerSecond } = await this.#withMonolith(database, poolSize, (monolith) =>
          measureSegment(monolith, { kind, callers: 64, waitSeconds: 0, seconds: TRIAL_S, seed: 1 }, this.#load),
        );
        this.measured.pools.push({ kind, poolSize, committedPerSecond });
        this.#say(`monolith, ${kind}, pool of ${poolSize}: ${whole(committedPerSecond)} committed/s`);
        if (committedPerSecond > best.committedPerSecond) best = { poolSize, committedPerSecond };
      }
    }
    this.#poolSizes.set(kind, best.poolSize);
    return best.poolSize;
  }

  async #withMonolith<T>(
    database: MonolithDatabase,
    poolSize: number,
    work: (monolith: Monolith) => Promise<T>,
  ): Promise<T> {
    const monolith = await Monolith.start(database, poolSize, this.#system.databases, this.#signal);
    try {
      return await work(monolith);
    } finally {
      await monolith.end();
    }
  }

  async #measureBare(): Promise<void> {
    const program = await startProgram(path.join(__dirname, 'bare-route.js'), {}, this.#signal);
    try {
      for (const callers of this.#options.callers) {
        const { products, customers, token, wrk, signal } = this.#load;
        const spec = {
          kind: 'mixed' as const,
          callers,
          seconds: TRIAL_S,
          waitSeconds: 0,
          seed: 1,
          products,
          customers,
          token,
        };
        await using load = await startLoad(wrk, { ...spec, url: program.url }, signal);
        const { done, seconds } = await load.result;
        this.measured.bare.push({ callers, perSecond: done / seconds });
        this.#say(`a bare Fastify route, ${callers} callers: ${whole(done / seconds)} answers/s`);
      }
    } finally {
      await program.end();
    }
  }

  /** Speed counts only with correct results. */
  async #verify(): Promise<void> {
    this.#say('checks R2, R3 and R4');
    const report = await verifyGroup(this.#system.primary, this.#system.login('eco_operator'));
    this.measured.verify = report;
    for (const { rule, offences, says } of brokenChecks(report)) {
      this.measured.faults.push(`${rule} is broken, ${offences} times: ${says}`);
    }
    const { deadLettersOpen } = report.counts;
    if (deadLettersOpen > 0) this.measured.faults.push(`${deadLettersOpen} commands became dead letters`);
  }
}

const WAIT_S = 5;
const TRIAL_S = 3;

function whole(number: number): string {
  return Math.round(number).toLocaleString('en-US');
}
