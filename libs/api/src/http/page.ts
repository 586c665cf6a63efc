import { problem, type ProblemError } from '@eco/service';

export interface Page<T> {
  readonly items: T[];
  /** `after` of the next page; null on the last page. */
  readonly next: string | null;
}

export interface PageOrder<T> {
  /** Keys of the list's order: ids and times. They are ASCII, for which JavaScript's order is PostgreSQL's. */
  readonly keyOf: (item: T) => readonly string[];
  readonly descending?: boolean;
}

/** A group's part of a list, in order. */
export interface Part<T> {
  /** The items: one more than the page's limit, if there are that many. */
  readonly items: T[];
  /** Key of the last row looked at, if the group did not look to its end; null: it did. */
  readonly lookedTo: readonly string[] | null;
}

export const wholePart = <T>(items: T[]): Part<T> => ({ items, lookedTo: null });

/**
 * A page of a list from several groups. It ends where the first group stopped looking, so it may have fewer items than
 * its limit and still a next page.
 */
export function mergePage<T>(parts: readonly Part<T>[], limit: number, order: PageOrder<T>): Page<T> {
  const { keyOf, descending = false } = order;
  const compare = (a: readonly string[], b: readonly string[]) => (descending ? compareKeys(b, a) : compareKeys(a, b));
  const merged = parts.flatMap(({ items }) => items);
  if (parts.length > 1) merged.sort((a, b) => compare(keyOf(a), keyOf(b)));
  const end = parts
    .flatMap(({ lookedTo }) => (lookedTo === null ? [] : [lookedTo]))
    .reduce<readonly string[] | null>((first, key) => (first === null || compare(key, first) < 0 ? key : first), null);
  const seen = end === null ? merged : merged.filter((item) => compare(keyOf(item), end) <= 0);
  const items = seen.slice(0, limit);
  const last = items.at(-1);
  const next = last !== undefined && seen.length > limit ? keyOf(last) : end;
  return { items, next: next === null ? null : next.join('/') };
}

/** The problem of a request whose `after` is not the `next` of a page. */
export function notAPlace(expected: string): ProblemError {
  return problem('bad-input', { faults: [{ at: 'query.after', message: `must be the next of a page: ${expected}` }] });
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : (a[at] ?? '') < (b[at] ?? '') ? -1 : 1;
}
