import { sleep } from '@eco/broker';

export interface UntilOptions {
  readonly deadlineMs: number;
  /** Ends the wait at once, with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Between one look and the next; default 50. More where a look costs more. */
  readonly pauseMs?: number;
}

/** What was waited for did not come. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

/** Waits until `probe` says yes. Past the deadline it throws a `NotInTime` with `what`, which says what did not happen. */
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
