import { availableParallelism } from 'node:os';
import { sleep } from '@eco/base';
import type { RunningSystem } from '@eco/cluster';
import type { NodeReplication } from '@eco/database';
import { checkLoad, customersByBucket, type LoadCheck } from './check-load.js';
import { HttpClient } from './http-client.js';
import { LagRecorder, type ReplicaLag } from './lag-recorder.js';
import { latencyOf, type Latency } from './percentiles.js';
import { createProducts } from './prepare.js';
import { Readers } from './readers.js';
import { spreadOf, type Spread } from '../shards/spread.js';
import { Shopping } from './shopping.js';
import { Visibility } from './visibility.js';
import { runWriters, type Accepted } from './writers.js';

export interface LoadOptions {
  /** Orders that are placed first. They are checked like the others, and no figure counts them. */
  warmUp: number;
  orders: number;
  concurrency: number;
  /** Time after which writing ends, ms; Infinity: only the number of orders ends it. */
  durationMs: number;
  hotShare: number;
  customers: number;
  products: number;
  /** Units of each product at the start. */
  stock: number;
  readers: number;
  seed: number;
  run: string;
}

export interface LoadReport {
  options: LoadOptions;
  /** Orders of the warm-up that were accepted. */
  warmUp: number;
  accepted: number;
  acceptedPerSecond: number;
  /**
   * Orders per second that are decided and on two database machines, counted from the first request to the last order
   * that became visible.
   */
  committedPerSecond: number;
  accept: Latency;
  acceptToVisible: Latency;
  failedWrites: Record<string, number>;
  /** What the load itself took, with its readers, while it placed orders. */
  own: { cpuMicrosPerOrder: number; machineShare: number };
  rowsByNode: { node: string; orders: number }[];
  /** Highest lag seen during the writing, and the state at the end. */
  replication: { worst: ReplicaLag[]; end: (NodeReplication & { group: string })[] };
  reads: {
    total: number;
    perSecond: number;
    bySource: Record<string, number>;
    failed: Record<string, number>;
    latency: Latency;
  };
  customers: Spread;
  check: LoadCheck;
  /** Reasons why the run failed, in words. Empty: the run succeeded. */
  faults: string[];
}

export interface LoadProgress {
  phase(title: string, total: number): void;
  step(done: number): void;
}

/** Longest warm-up, ms. Processes have compiled their code by then. */
const WARM_UP_MS = 10_000;
/** Time without a new order after which the missing orders will not come, ms. */
const PATIENCE_MS = 30_000;

/**
 * The whole run: products, concurrent writers and readers, waiting until every order is visible on every node, checks.
 */
export async function runLoad(
  target: RunningSystem,
  options: LoadOptions,
  progress: LoadProgress,
  signal: AbortSignal,
): Promise<LoadReport> {
  const http = new HttpClient(options.concurrency + options.readers, target.tokenOf('manager'));
  const readers = new Readers(http, target.urlOf('read-service'), options.readers);
  const visibility = new Visibility(target, (orderId) => readers.add(orderId));
  const lag = new LagRecorder(target);
  try {
    const shopping = new Shopping(options);
    progress.phase('Products', options.products);
    let created = 0;
    await createProducts(http, target.urlOf('central-api'), shopping.productIds, options.stock, () =>
      progress.step(++created),
    );

    await visibility.start();
    lag.start();
    readers.start();
    const place = (title: string, orders: number, durationMs: number, run: string) => {
      if (orders > 0) progress.phase(title, orders);
      let count = 0;
      return runWriters({
        ...options,
        ...{ orders, durationMs, run, http, shopping, signal },
        urls: [target.urlOf('central-api'), target.urlOf('sucursal-api')],
        onAccepted: () => progress.step(++count),
      });
    };
    const warmUp = await place('Warm-up', options.warmUp, WARM_UP_MS, `${options.run}-warm-up`);
    readers.forgetFigures();
    const readStartMs = performance.now();
    const ownBefore = process.cpuUsage();
    const written = await place('Orders accepted', options.orders, options.durationMs, options.run);
    const own = process.cpuUsage(ownBefore);
    const { accepted } = written;
    const all = [...warmUp.accepted, ...accepted];

    progress.phase('Visible on every node', all.length);
    await untilVisible(
      visibility,
      all.map(({ orderId }) => orderId),
      progress,
    );
    const read = await readers.stop();
    const readSeconds = (performance.now() - readStartMs) / 1000;
    const end = await lag.stop();
    const worst = lag.worst();
    await visibility.stop();

    progress.phase('Checks', 1);
    const check = await checkLoad(target, options.run, all);
    progress.step(1);

    const lastVisibleMs = accepted.reduce(
      (last, { orderId }) => Math.max(last, visibility.visibleMs.get(orderId) ?? 0),
      written.startedMs,
    );
    const report: Omit<LoadReport, 'faults'> = {
      options,
      warmUp: warmUp.accepted.length,
      accepted: accepted.length,
      acceptedPerSecond: perSecond(accepted.length, written.endedMs - written.startedMs),
      committedPerSecond: perSecond(accepted.length, lastVisibleMs - written.startedMs),
      accept: latencyOf(accepted.map(({ sentMs, acceptedMs }) => acceptedMs - sentMs)),
      acceptToVisible: latencyOf(
        accepted.flatMap(({ orderId, acceptedMs }) => {
          const visibleMs = visibility.visibleMs.get(orderId);
          return visibleMs === undefined ? [] : [Math.max(0, visibleMs - acceptedMs)];
        }),
      ),
      failedWrites: sumOf(warmUp.failures, written.failures),
      own: ownOf(own, accepted.length, written.endedMs - written.startedMs),
      rowsByNode: visibility.rowsByNode,
      replication: { worst, end },
      reads: {
        total: read.latenciesMs.length,
        perSecond: Math.round(read.latenciesMs.length / readSeconds),
        bySource: Object.fromEntries(read.bySource),
        failed: Object.fromEntries(read.failures),
        latency: latencyOf(read.latenciesMs),
      },
      customers: spreadOf(customersByBucket(all, check.buckets)),
      check,
    };
    return { ...report, faults: problemsIn(report, visibility, all) };
  } finally {
    await readers.stop();
    await lag.stop();
    await visibility.stop().catch(() => undefined);
    await http.close();
  }
}

function problemsIn(
  report: Omit<LoadReport, 'faults'>,
  visibility: Visibility,
  accepted: readonly Accepted[],
): string[] {
  const { check, reads } = report;
  const faults: string[] = [];
  const invisible = accepted.filter(({ orderId }) => !visibility.visibleMs.has(orderId)).length;
  const failedReads = Object.values(reads.failed).reduce((sum, failed) => sum + failed, 0);
  if (accepted.length === 0) faults.push('no order was accepted');
  if (check.missing.length > 0)
    faults.push(`${check.missing.length} accepted orders are missing (R1), first ${check.missing[0]}`);
  if (invisible > 0) faults.push(`${invisible} accepted orders are not visible on every node`);
  if (visibility.failed) faults.push(visibility.failed.message);
  // A request whose answer was lost may have placed an order. Beyond these, no order may be unexpected.
  const lost = Object.values(report.failedWrites).reduce((sum, failed) => sum + failed, 0);
  if (check.unexpected.length > lost)
    faults.push(`${check.unexpected.length} orders are there that nobody was promised (R2)`);
  if (failedReads > 0) faults.push(`${failedReads} reads failed`);
  for (const { rule, says, offences, group } of check.broken)
    faults.push(`${rule} is broken in ${group}, ${offences} times: ${says}`);
  return faults;
}

async function untilVisible(
  visibility: Visibility,
  orderIds: readonly string[],
  progress: LoadProgress,
): Promise<void> {
  let waiting = orderIds.filter((id) => !visibility.visibleMs.has(id));
  let lastChangeMs = performance.now();
  for (;;) {
    progress.step(orderIds.length - waiting.length);
    if (waiting.length === 0 || visibility.failed || performance.now() - lastChangeMs > PATIENCE_MS) return;
    await sleep(50);
    const still = waiting.filter((id) => !visibility.visibleMs.has(id));
    if (still.length < waiting.length) lastChangeMs = performance.now();
    waiting = still;
  }
}

function sumOf(...counts: ReadonlyMap<string, number>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of counts.flatMap((each) => [...each])) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function ownOf({ user, system }: NodeJS.CpuUsage, orders: number, tookMs: number): LoadReport['own'] {
  const micros = user + system;
  return {
    cpuMicrosPerOrder: orders === 0 ? 0 : Math.round(micros / orders),
    machineShare: tookMs <= 0 ? 0 : Math.round(micros / 10 / tookMs / availableParallelism()) / 100,
  };
}

function perSecond(count: number, ms: number): number {
  return ms <= 0 ? 0 : Math.round((count / ms) * 1000);
}
