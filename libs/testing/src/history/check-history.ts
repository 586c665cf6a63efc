/*
 * Compares what clients asked for and were told with the rows that are there.
 *
 * A set of ids is not enough: an order that came twice under two ids, or whose units were reserved twice, is in the set
 * all the same. So a request is followed by a token that its client chose and that its rows carry (its customer, its
 * quantity), never by an id that we made; and its rows are counted.
 */

/** What a client knows of its request. */
type Told =
  /** It was promised: all of its rows are there, each once. */
  | 'acknowledged'
  /** It was told for certain that nothing was done, and nothing will be: none is there. */
  | 'refused'
  /** No answer, or one that says it does not know: all of its rows, or none. */
  | 'unknown';

export interface Asked {
  readonly token: string;
  readonly told: Told;
  /** What it does when it is done, a text for each row; one that is there twice is meant twice. */
  readonly rows: readonly string[];
}

/** A row that is there. */
export interface Found {
  /** Of the request that it belongs to, by what stands in the row. */
  readonly token: string;
  readonly row: string;
}

interface HistoryFault {
  readonly token: string;
  readonly row: string;
}

export interface HistoryFaults {
  /** Promised and not there at all. */
  readonly lost: readonly HistoryFault[];
  /** Not there, while other rows of the same request are. */
  readonly torn: readonly HistoryFault[];
  /** There more often than it was asked for, once for each time too many. */
  readonly doubled: readonly HistoryFault[];
  /** There, and nobody asked for it, or it was refused. */
  readonly unexpected: readonly HistoryFault[];
}

/** Throws when two requests have one token: then nothing could be told of either. */
export function checkHistory(asked: Iterable<Asked>, found: Iterable<Found>): HistoryFaults {
  const faults = {
    lost: [] as HistoryFault[],
    torn: [] as HistoryFault[],
    doubled: [] as HistoryFault[],
    unexpected: [] as HistoryFault[],
  };
  const foundOf = new Map<string, string[]>();
  for (const { token, row } of found) {
    const rows = foundOf.get(token);
    if (rows === undefined) foundOf.set(token, [row]);
    else rows.push(row);
  }
  const seen = new Set<string>();
  for (const { token, told, rows } of asked) {
    if (seen.has(token)) throw new Error(`two requests have the token ${token}`);
    seen.add(token);
    const there = foundOf.get(token) ?? [];
    const named = (texts: readonly string[]) => texts.map((row) => ({ token, row }));
    if (told === 'refused') {
      faults.unexpected.push(...named(there));
      continue;
    }
    const missing = without(rows, there);
    if (there.length === 0) {
      if (told === 'acknowledged') faults.lost.push(...named(missing));
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

/** What is in `these` more often than in `those`, as often as that. */
function without(these: readonly string[], those: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of those) left.set(row, (left.get(row) ?? 0) + 1);
  return these.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}

/** A line for each kind of fault there is, with the first of them; none: nothing is wrong. */
export function historyFaultTexts(faults: HistoryFaults): string[] {
  return Object.entries(faults)
    .filter(([, list]: [string, readonly HistoryFault[]]) => list.length > 0)
    .map(([kind, list]: [string, readonly HistoryFault[]]) => {
      const first = list.slice(0, FIRST).map(({ token, row }) => `${token}: ${row}`);
      return `${list.length} ${kind}, ${list.length > FIRST ? 'first ' : ''}${first.join('; ')}`;
    });
}

const FIRST = 5;
