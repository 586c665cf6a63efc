import { sleep } from '@eco/base';
import { cpuMicrosPerOrder, sampleCpu, type CpuMs } from './cpu.js';
import type { GroupWatch, OrderBatch } from './group-watch.js';
import type { EcoMarketSystem } from './ecomarket-system.js';
import type { LoadSettings } from './segment.js';
import type { System } from './system.js';
import { startLoad, type OrderKind } from './wrk/wrk.js';

/** The speed at which one writer decides queued orders. */
export interface Drain {
  readonly kind: OrderKind;
  readonly orders: number;
  readonly batches: number;
  /** Orders per second by the group's clock, between the starts of the first and the last batch. */
  readonly perSecond: number;
  /** The same for the second half, when the process has warmed up. */
  readonly perSecondWarm: number;
  readonly cpuMicros?: CpuMs;
}

const CALLERS = 256;
const FIRST_BATCH_MS = 60_000;

export async function measureDrain(
  kind: OrderKind,
  orders: number,
  { system, ours, watch }: { system: System; ours: EcoMarketSystem; watch: GroupWatch },
  settings: LoadSettings,
): Promise<Drain> {
  const [writer, ...others] = system.writers;
  if (writer === undefined) throw new Error('the cluster has no writer');
  await Promise.all(system.writers.map((each) => each.stop()));
  const mark = await watch.seq();
  const queued = await queueOrders(kind, orders, ours.url, settings);

  // Only one writer starts: a second one that starts at the same time would share the machine.
  const started = writer.start();
  const begun = untilBatchAfter(mark, watch);
  await Promise.race([begun, started.then(() => begun)]);
  const { components } = system;
  const before = sampleCpu(components);
  const seqBefore = await watch.seq();
  await ours.committedSince(mark, queued);
  const after = sampleCpu(components);
  await started;
  await Promise.all(others.map((each) => each.start()));

  const batches = await watch.batchesAfter(mark);
  const counted = batches.filter(({ seq }) => seq > seqBefore).reduce((sum, batch) => sum + batch.orders, 0);
  return {
    kind,
    orders: batches.reduce((sum, batch) => sum + batch.orders, 0),
    batches: batches.length,
    perSecond: rateOf(batches),
    perSecondWarm: rateOf(batches.slice(Math.floor(batches.length / 2))),
    ...(before && after && { cpuMicros: cpuMicrosPerOrder(before, after, counted) }),
  };
}

async function untilBatchAfter(seq: number, watch: GroupWatch): Promise<void> {
  const endMs = performance.now() + FIRST_BATCH_MS;
  while ((await watch.seq()) === seq) {
    if (performance.now() > endMs) throw new Error(`the writer made no batch within ${FIRST_BATCH_MS / 1000} s`);
    await sleep(5);
  }
}

/**
 * Orders per second between the starts of the first and the last batch: all except the last one's were done by then.
 */
export function rateOf(batches: readonly OrderBatch[]): number {
  const [first, last] = [batches[0], batches.at(-1)];
  if (first === undefined || last === undefined || last.begunMs === first.begunMs) return 0;
  const done = batches.slice(0, -1).reduce((sum, batch) => sum + batch.orders, 0);
  return done / ((last.begunMs - first.begunMs) / 1000);
}

/**
 * Queues at least this many orders and returns their number. wrk counts seconds and not orders, so the time is
 * estimated from the first seconds.
 */
async function queueOrders(kind: OrderKind, orders: number, url: string, settings: LoadSettings): Promise<number> {
  const { wrk, products, customers, token, signal } = settings;
  let queued = 0;
  let spentSeconds = 0;
  for (let seed = 1; queued < orders; seed += 1) {
    const seconds = spentSeconds === 0 ? 2 : Math.min(60, Math.ceil((orders - queued) / (queued / spentSeconds)));
    const spec = { url, kind, products, customers, token, callers: CALLERS, seconds, waitSeconds: 0, seed };
    await using load = await startLoad(wrk, spec, signal);
    const { done, failed } = await load.result;
    if (done === 0) throw new Error(`Central took no order while the writers were away: ${failed} requests failed`);
    queued += done;
    spentSeconds += seconds;
  }
  return queued;
}
