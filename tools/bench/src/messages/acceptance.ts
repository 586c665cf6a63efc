import path from 'node:path';
import { startProgram } from '../forked-program.js';
import type { LoadSettings } from '../segment.js';
import type { System } from '../system.js';
import { startLoad } from '../wrk/wrk.js';

/** Orders that were answered with 202: by a Fastify route that does nothing else, or by Central, whose brokers have each. */
export interface Accepted {
  readonly side: 'bare' | 'ours';
  readonly callers: number;
  readonly perSecond: number;
  /** Of the answers. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests without a good answer. */
  readonly failed: number;
}

export interface AcceptanceSpec {
  readonly callers: readonly number[];
  /** Of each stretch. */
  readonly seconds: number;
  /** Each measures the bare route, then Central. */
  readonly rounds: number;
}

/** Accepting alone: writers end before, and what was accepted is thrown away. */
export async function measureAcceptance(
  system: System,
  { callers, seconds, rounds }: AcceptanceSpec,
  load: LoadSettings,
  say: (line: string) => void,
): Promise<Accepted[]> {
  await Promise.all(system.writers.map((writer) => writer.stop()));
  const bare = await startProgram(path.join(__dirname, '../bare-route.js'), {}, load.signal);
  const accepted: Accepted[] = [];
  try {
    for (let round = 0; round <= rounds; round += 1) {
      for (const at of callers) {
        for (const [side, url] of [
          ['bare', bare.url],
          ['ours', system.centralUrl],
        ] as const) {
          const one = { side, callers: at, ...(await answered(url, at, seconds, round, load)) };
          if (side === 'ours') await system.purgeOrders();
          // What runs for the first time is compiled meanwhile.
          if (round === 0) continue;
          accepted.push(one);
          say(`round ${round}, ${at} callers, ${side}: ${Math.round(one.perSecond)} orders/s accepted`);
        }
      }
    }
  } finally {
    await bare.end();
  }
  return accepted;
}

async function answered(
  url: string,
  callers: number,
  seconds: number,
  round: number,
  { wrk, products, customers, signal }: LoadSettings,
): Promise<Omit<Accepted, 'side' | 'callers'>> {
  // Orders of its own for each stretch.
  const spec = { kind: 'mixed' as const, waitSeconds: 0, products, customers, seed: round * 1000 + callers };
  await using running = await startLoad(wrk, { ...spec, url, callers, seconds }, signal);
  const result = await running.result;
  return { perSecond: result.done / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms, failed: result.failed };
}
