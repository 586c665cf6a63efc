/**
 * Pause before the next try, ms. It doubles with each failure up to `capMs` and is drawn from the upper half, so that
 * processes that lost the same broker do not all return at once.
 */
export function backOffMs(
  failures: number,
  { firstMs, capMs }: { firstMs: number; capMs: number },
  random: () => number = Math.random,
): number {
  const fullMs = Math.min(capMs, firstMs * 2 ** Math.max(0, failures - 1));
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
