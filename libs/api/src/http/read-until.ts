import { sleep } from '@eco/base';
import type { ReadOptions } from '@eco/reads';

const PAUSE_MS_MIN = 25;
const PAUSE_MS_MAX = 500;
/**
 * Pause as a share of the time waited. A late answer is then at most this share later, and a wait of 30 s takes some 85
 * reads.
 */
const PAUSE_SHARE = 1 / 8;

/** Pause before the next read. */
export function pauseAfter(waitedMs: number): number {
  return Math.min(Math.max(waitedMs * PAUSE_SHARE, PAUSE_MS_MIN), PAUSE_MS_MAX);
}

/** Repeats the read until `isDone` holds or the reader's `Prefer: wait` is over; returns the last result. */
export async function readUntil<A>(
  options: ReadOptions,
  read: () => Promise<A>,
  isAsHoped: (read: A) => boolean,
): Promise<A> {
  const startedMs = performance.now();
  for (;;) {
    const latest = await read();
    const waitedMs = performance.now() - startedMs;
    if (isAsHoped(latest) || waitedMs >= options.waitMs) return latest;
    await sleep(Math.min(pauseAfter(waitedMs), options.waitMs - waitedMs));
  }
}
