import { sleep } from '@eco/base';
/**
 * Waits until `probe` returns something other than undefined, null or false, and returns that. A probe that throws
 * counts as not yet. After the deadline it throws, with the sentence that states what was missing and with the last
 * value.
 */
export async function eventually<T>(
  missing: string,
  probe: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { deadlineMs = 60_000, pauseMs = 50 }: { deadlineMs?: number; pauseMs?: number } = {},
): Promise<T> {
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await probe();
      if (seen !== undefined && seen !== null && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) break;
    await sleep(pauseMs);
  }
  throw new Error(
    `Waited ${deadlineMs} ms for: ${missing}. Last seen: ${last instanceof Error ? last.message : String(last)}`,
    {
      cause: last,
    },
  );
}
