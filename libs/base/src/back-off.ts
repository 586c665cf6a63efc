export interface BackOff {
  /** Pause after the first failure, ms. */
  readonly firstMs: number;
  /** Longest pause, ms. */
  readonly capMs: number;
}

/** Pause before the next try, ms. It doubles with each failure from `firstMs` up to `capMs`. */
export function doubledMs(failures: number, { firstMs, capMs }: BackOff): number {
  return Math.min(capMs, firstMs * 2 ** Math.max(0, failures - 1));
}

/** Longest pause of `pauseAfter`, ms. */
const LOOK_PAUSE_MS_MAX = 1_000;
/** Pause as a share of the time waited. An answer is therefore at most this share later than it could be. */
const LOOK_PAUSE_SHARE = 1 / 4;

/**
 * Pause before the next look for a caller who has waited `waitedMs`, ms: at least `firstMs`, and longer the longer the
 * caller has waited. A wait of 10 s takes fewer than 30 looks.
 */
export function pauseAfter(waitedMs: number, firstMs: number): number {
  return Math.min(Math.max(waitedMs * LOOK_PAUSE_SHARE, firstMs), LOOK_PAUSE_MS_MAX);
}

/**
 * The pause of `doubledMs`, drawn at random from its upper half. Processes that lost the same broker then do not all
 * return at once. `random`: from 0 to below 1.
 */
export function backOffMs(failures: number, backOff: BackOff, random: () => number = Math.random): number {
  const fullMs = doubledMs(failures, backOff);
  return fullMs / 2 + (fullMs / 2) * random();
}

/** Shuffles (Fisher-Yates), so that processes spread over the brokers. */
export function shuffled<T>(items: readonly T[], random: () => number = Math.random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
