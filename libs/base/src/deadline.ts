import { setTimeout } from 'node:timers/promises';

/** True: `promise` settled, either way, within `ms`. False: it continues and nothing waits for it. */
export async function settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const settled = promise.then(
    () => true,
    () => true,
  );
  const expired = setTimeout(ms, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([settled, expired]);
  } finally {
    timer.abort();
  }
}
