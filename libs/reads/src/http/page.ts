import { problem, type ProblemError } from '@eco/edge';

export interface Page<T> {
  readonly items: T[];
  /** `after` of the following page; null on the last. */
  readonly next: string | null;
}

/**
 * A page of a list that lies over several groups, each of which gave its part in order, one more than `limit` if it has
 * that many. `keyOf` is what the list is ordered by: ids, so ASCII, for which JavaScript's order is PostgreSQL's.
 */
export function mergePage<T>(parts: readonly T[][], limit: number, keyOf: (item: T) => readonly string[]): Page<T> {
  const merged = parts.flat();
  if (parts.length > 1) merged.sort((a, b) => compareKeys(keyOf(a), keyOf(b)));
  const items = merged.slice(0, limit);
  const last = items.at(-1);
  return { items, next: last === undefined || merged.length <= limit ? null : keyOf(last).join('/') };
}

/** `after` is not the `next` of any page. */
export function notAPlace(expected: string): ProblemError {
  return problem('bad-input', { faults: [{ at: 'query.after', message: `must be the next of a page: ${expected}` }] });
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : (a[at] ?? '') < (b[at] ?? '') ? -1 : 1;
}
