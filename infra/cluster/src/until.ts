import { sleep } from '@eco/base';

export interface UntilOptions {
  readonly deadlineMs: number;
  /** Ends the wait at once, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Pause between two probes; default 50. Use more if a probe is expensive. */
  readonly pauseMs?: number;
}

/** The awaited condition was not met in time. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

/**
 * Waits until `probe` returns true. After the deadline it throws a `NotInTime` with `what`, which states what did not
 * happen.
 */
export async function until(
  what: string,
  probe: () => Promise<boolean> | boolean,
  { deadlineMs, signal, pauseMs = 50 }: UntilOptions,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    if (await probe()) return;
    if (performance.now() >= end) throw new NotInTime(`${what} within ${deadlineMs / 1000} s`);
    await sleep(pauseMs);
  }
}
