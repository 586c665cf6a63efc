/*
 * Compares the requests of clients, and the answers to them, with the stored rows. Comparing sets of ids is not enough:
 * an order that exists twice under two ids, or whose units were reserved twice, is in the set. So a request is found by
 * a token that its client chose and that its rows contain (customer, quantity), never by an id that a service made. Its
 * rows are counted.
 */

/** The client's knowledge about its request. */
type Known =
  /** The request was acknowledged: all of its rows must exist, each once. */
  | 'acknowledged'
  /** Certainly refused: nothing was done and never will be, so none exists. */
  | 'refused'
  /** No answer, or one that states that the result is unknown: all of its rows exist, or none. */
  | 'unknown';

export interface Asked {
  readonly token: string;
  readonly known: Known;
  /** Effect of the request, as one text per row. A text that occurs twice is expected twice. */
  readonly rows: readonly string[];
}

/** A stored row. */
export interface Found {
  /** Token of its request, taken from the row. */
  readonly token: string;
  readonly row: string;
}

interface HistoryError {
  readonly token: string;
  readonly row: string;
}

export interface HistoryErrors {
  /** Requests that were acknowledged although no row exists. */
  readonly lost: readonly HistoryError[];
  /** Rows that are missing although other rows of the same request exist. */
  readonly torn: readonly HistoryError[];
  /** Rows in excess of the request, one entry for each. */
  readonly doubled: readonly HistoryError[];
  /** Rows that nobody requested, or whose request was refused. */
  readonly unexpected: readonly HistoryError[];
}

/** Throws if two requests have the same token, because neither could be judged. */
export function checkHistory(asked: Iterable<Asked>, found: Iterable<Found>): HistoryErrors {
  const faults = {
    lost: [] as HistoryError[],
    torn: [] as HistoryError[],
    doubled: [] as HistoryError[],
    unexpected: [] as HistoryError[],
  };
  const foundOf = new Map<string, string[]>();
  for (const { token, row } of found) {
    const rows = foundOf.get(token);
    if (rows === undefined) foundOf.set(token, [row]);
    else rows.push(row);
  }
  const seen = new Set<string>();
  for (const { token, known, rows } of asked) {
    if (seen.has(token)) throw new Error(`two requests have the token ${token}`);
    seen.add(token);
    const there = foundOf.get(token) ?? [];
    const named = (texts: readonly string[]) => texts.map((row) => ({ token, row }));
    if (known === 'refused') {
      faults.unexpected.push(...named(there));
      continue;
    }
    const missing = without(rows, there);
    if (there.length === 0) {
      if (known === 'acknowledged') faults.lost.push(...named(missing));
      continue;
    }
    faults.torn.push(...named(missing));
    for (const row of without(there, rows)) faults[rows.includes(row) ? 'doubled' : 'unexpected'].push({ token, row });
  }
  for (const [token, rows] of foundOf) {
    if (!seen.has(token)) faults.unexpected.push(...rows.map((row) => ({ token, row })));
  }
  return faults;
}

/** The elements that `these` has more often than `those`, each as often as it is in excess. */
function without(these: readonly string[], those: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of those) left.set(row, (left.get(row) ?? 0) + 1);
  return these.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}

/** A line for each kind of error, with its first example; empty: all is correct. */
export function historyErrorTexts(faults: HistoryErrors): string[] {
  return Object.entries(faults)
    .filter(([, list]: [string, readonly HistoryError[]]) => list.length > 0)
    .map(([kind, list]: [string, readonly HistoryError[]]) => {
      const first = list.slice(0, FIRST).map(({ token, row }) => `${token}: ${row}`);
      return `${list.length} ${kind}, ${list.length > FIRST ? 'first ' : ''}${first.join('; ')}`;
    });
}

const FIRST = 5;
