import path from 'node:path';
import { compareWithBaseline, type Compared, type ComparisonSpec } from '../baseline.js';
import { startProgram } from '../forked-program.js';
import type { LoadSettings } from '../segment.js';
import type { System } from '../system.js';
import { startLoad } from '../wrk/wrk.js';

/**
 * Orders that were answered with 202, by a Fastify route that does nothing else, or by Central after a majority of the
 * brokers had each.
 */
export interface Accepted {
  readonly side: Compared;
  readonly callers: number;
  readonly perSecond: number;
  /** Latency of the answers. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests without a good answer. */
  readonly failed: number;
}

/** Only acceptance is measured: the writers end first, and the accepted orders are dropped. */
export async function measureAcceptance(
  system: System,
  { seconds, ...spec }: ComparisonSpec & { readonly seconds: number },
  { wrk, products, customers, token, signal }: LoadSettings,
  say: (line: string) => void,
): Promise<Accepted[]> {
  await Promise.all(system.writers.map((writer) => writer.stop()));
  const bare = await startProgram(path.join(__dirname, '../bare-route.js'), {}, signal);
  const measure = async (side: Compared, callers: number, round: number): Promise<Accepted> => {
    const load = {
      ...{ url: side === 'bare' ? bare.url : system.centralUrl, kind: 'mixed' as const, waitSeconds: 0 },
      // Separate orders for each segment.
      ...{ products, customers, token, callers, seconds, seed: round * 1000 + callers },
    };
    await using running = await startLoad(wrk, load, signal);
    const { done, p50Ms, p99Ms, failed, seconds: tookSeconds } = await running.result;
    if (side === 'ours') await system.purgeOrders();
    return { side, callers, perSecond: done / tookSeconds, p50Ms, p99Ms, failed };
  };
  try {
    return await compareWithBaseline(
      spec,
      measure,
      ({ perSecond }) => `${Math.round(perSecond)} orders/s accepted`,
      say,
    );
  } finally {
    await bare.end();
  }
}
