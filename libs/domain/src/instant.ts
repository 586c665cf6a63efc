/**
 * Whether one instant (ISO 8601 in UTC, any precision) is before another. To the last digit: who waits at the door
 * compares the same two in the database, in microseconds, and both must come to the same answer.
 */
export function isBefore(a: string, b: string): boolean {
  const left = partsOf(a);
  const right = partsOf(b);
  return left.secondMs === right.secondMs ? left.fraction < right.fraction : left.secondMs < right.secondMs;
}

/** Apart, because Date.parse cuts what is below a millisecond, and misreads a fraction of ten digits (Node 24). */
function partsOf(instant: string): { secondMs: number; fraction: string } {
  const [second, fraction] = instant.replace('Z', '').split('.') as [string, string?];
  return { secondMs: Date.parse(`${second}Z`), fraction: fraction?.replace(/0+$/, '') ?? '' };
}
