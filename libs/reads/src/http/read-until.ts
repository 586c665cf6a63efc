import { setTimeout as pause } from 'node:timers/promises';
import type { Reader } from '../group-reader.js';

/** Between two looks at what somebody waits for. */
const PAUSE_MS = 25;

/** Reads again until it is as hoped or the reader's `Prefer: wait` is over; gives what was read last. */
export async function readUntil<A>(
  reader: Reader,
  read: () => Promise<A>,
  isAsHoped: (read: A) => boolean,
): Promise<A> {
  const endMs = performance.now() + reader.waitMs;
  for (;;) {
    const latest = await read();
    if (isAsHoped(latest) || performance.now() >= endMs) return latest;
    await pause(PAUSE_MS);
  }
}
