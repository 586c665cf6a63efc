/**
 * Whether one instant (ISO 8601 in UTC, any precision) is before another. It compares to the last digit: an API that
 * waits compares the same two instants in the database, in microseconds, and both must agree.
 */
export function isBefore(a: string, b: string): boolean {
  const left = partsOf(a);
  const right = partsOf(b);
  return left.secondMs === right.secondMs ? left.fraction < right.fraction : left.secondMs < right.secondMs;
}

/**
 * Seconds and fraction of an instant. They are compared separately, because Date.parse cuts digits below a millisecond
 * and misreads a fraction of ten digits (Node 24).
 */
function partsOf(instant: string): { secondMs: number; fraction: string } {
  const [second, fraction] = instant.replace('Z', '').split('.') as [string, string?];
  return { secondMs: Date.parse(`${second}Z`), fraction: fraction?.replace(/0+$/, '') ?? '' };
}
