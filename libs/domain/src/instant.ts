/**
 * Whether one instant (ISO 8601 in UTC, any precision) is before another. To the last digit: who waits at the door
 * compares the same two in the database, in microseconds, and both must come to the same answer.
 */
export function isBefore(a: string, b: string): boolean {
  const byMs = Date.parse(a) - Date.parse(b);
  return byMs === 0 ? belowMs(a) < belowMs(b) : byMs < 0;
}

/** The digits behind the milliseconds, comparable as text. */
function belowMs(instant: string): string {
  const digits = /\.\d{3}(\d+)/.exec(instant)?.[1] ?? '';
  return digits.replace(/0+$/, '');
}
