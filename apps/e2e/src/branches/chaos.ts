import { sleep } from '@eco/base';
import { Metrics } from '@eco/observability';
import { eventually } from '@eco/testing';
import type { BranchProcess } from './branch-process.js';
import type { BranchSystem } from './branch-system.js';

const HOUR_MS = 3_600_000;
/** Steps of a branch's clock: minutes, and a day in both directions. */
const CLOCKS_MS = [0, 5 * 60_000, -5 * 60_000, 24 * HOUR_MS, -24 * HOUR_MS];

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Faults of one branch after another, until the signal. Everything is repaired at the end. Returns what happened. */
export async function disturbBranch(
  branch: BranchProcess,
  random: () => number,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const happened: Record<string, number> = {};
  const spanMs = (from: number, to: number) => from + random() * (to - from);
  const faults: Record<string, () => Promise<void>> = {
    'silent cut': async () => {
      branch.line.cut('silent');
      await sleep(spanMs(500, 4_000), signal);
      branch.line.mend();
    },
    cut: async () => {
      branch.line.cut('down');
      await sleep(spanMs(200, 3_000), signal);
      branch.line.mend();
    },
    'crash in the middle of sales': async () => {
      await branch.end('SIGKILL');
      await branch.start();
    },
    'crash without a line': async () => {
      branch.line.cut('down');
      await branch.end('SIGKILL');
      await branch.start();
      await sleep(spanMs(200, 2_000), signal);
      branch.line.mend();
    },
    'clock jump': async () => {
      branch.setClock(CLOCKS_MS[Math.floor(random() * CLOCKS_MS.length)] ?? 0);
      await sleep(spanMs(200, 2_000), signal);
    },
  };
  const names = Object.keys(faults);
  while (!signal.aborted) {
    const name = names[Math.floor(random() * names.length)] ?? 'cut';
    await faults[name]?.();
    happened[name] = (happened[name] ?? 0) + 1;
    await sleep(spanMs(100, 1_500), signal);
  }
  branch.line.mend();
  branch.setClock(0);
  return happened;
}

/** Kills the leading writer, so that the broker delivers again what it had not acknowledged. */
export async function disturbWriters(system: BranchSystem, random: () => number, signal: AbortSignal): Promise<number> {
  let kills = 0;
  while (!signal.aborted) {
    await sleep(3_000 + random() * 5_000, signal);
    if (signal.aborted) break;
    const leader = await leaderOf(system);
    await leader.kill();
    kills += 1;
    await leader.start();
  }
  return kills;
}

function leaderOf({ writers }: BranchSystem) {
  return eventually('a writer leads', async () => {
    for (const writer of writers) {
      if ((await Metrics.of(writer.operatorsUrl))?.value('eco_writer_leader') === 1) return writer;
    }
    return undefined;
  });
}
