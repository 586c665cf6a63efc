import type { OwnToken } from '@eco/access';
import { cpuMicrosPerOrder, sampleCpu, type CpuMs } from './cpu.js';
import type { MeasuredSystem } from './measured-system.js';
import { startLoad, type OrderKind } from './wrk/wrk.js';

export interface SegmentSpec {
  readonly kind: OrderKind;
  readonly callers: number;
  /**
   * Seconds that a client waits for the decision; 0: it does not wait. The monolith's answer always contains the
   * decision.
   */
  readonly waitSeconds: number;
  readonly seconds: number;
  readonly seed: number;
}

/** One system under one load for some seconds. */
export interface Segment {
  readonly side: MeasuredSystem['name'];
  readonly kind: OrderKind;
  readonly callers: number;
  readonly waits: boolean;
  /**
   * Orders on two machines per second, from the first request to the commit of the last. A growing queue does not
   * count.
   */
  readonly committedPerSecond: number;
  readonly answersPerSecond: number;
  readonly committed: number;
  /** Latency of the answers. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Requests without a good answer, and orders that were not confirmed. */
  readonly faulty: number;
  /** µs per order, by component; undefined if unknown. */
  readonly cpuMicros?: CpuMs;
}

export interface LoadSettings {
  /** Path of wrk. */
  readonly wrk: string;
  readonly products: number;
  readonly customers: number;
  /** Token of each request. Systems that do not look at tokens get it, too. */
  readonly token: OwnToken;
  readonly signal: AbortSignal;
}

export async function measureSegment(
  side: MeasuredSystem,
  spec: SegmentSpec,
  settings: LoadSettings,
): Promise<Segment> {
  const { wrk, products, customers, token, signal } = settings;
  const mark = await side.mark();
  await using load = await startLoad(wrk, { ...spec, url: side.url, products, customers, token }, signal);
  const components = { load: [load.pid], ...side.components };
  const startedMs = performance.now();
  const before = sampleCpu(components);
  const result = await load.result;
  const committed = await side.committedSince(mark, result.done);
  const after = sampleCpu(components);
  return {
    side: side.name,
    kind: spec.kind,
    callers: spec.callers,
    waits: side.name === 'monolith' || spec.waitSeconds > 0,
    committedPerSecond: committed.orders / ((committed.lastMs - startedMs) / 1000),
    answersPerSecond: result.done / result.seconds,
    committed: committed.orders,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    maxMs: result.maxMs,
    faulty: result.failed + committed.rejected + Math.max(0, result.done - committed.orders),
    ...(before && after && { cpuMicros: cpuMicrosPerOrder(before, after, committed.orders) }),
  };
}
