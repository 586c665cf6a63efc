import { pauseAfter, sleep } from '@eco/base';
import { lastCompleteSeq, type Change, type ChangesCursor, type Topic } from '@eco/contracts';
import { positionIn, positionOf, type BatchPosition, type GroupPosition } from '@eco/routing';
import type { GroupAnswer, ReadFailure, ReadOptions, Source } from '../answer.js';
import type { Query } from '../query.js';
import type { Reads } from '../reads.js';
import {
  changeOf,
  changesOfBranchQuery,
  changesQuery,
  historyQuery,
  WHOLE_BATCH,
  type ChangeRow,
  type HistoryRow,
  type PageRow,
  type Summary,
  type SummaryRow,
} from './changes.query.js';
import { continuationOf, cursorIn, isCovered, type ShownHistory } from './cursor-place.js';

export interface PageRequest {
  readonly group: string;
  readonly topic: Topic;
  /** Cursor after which the page begins. */
  readonly after: ChangesCursor;
  /** Most changes of a page, which may therefore end inside a batch. */
  readonly limit: number;
  /** A batch that its writer has announced, so that no failover loses it. */
  readonly announced?: BatchPosition;
}

export interface ChangesRequest extends PageRequest {
  /** Leaves out what does not concern this branch: a page may then have no change, and more pages may follow it. */
  readonly branchId?: string;
}

interface PageFound {
  readonly type: 'page';
  /** The topic is complete up to this batch. */
  readonly upToSeq: number;
  /** Cursor after which the next page begins. */
  readonly next: ChangesCursor;
  /** Whether there are changes after this page. */
  readonly more: boolean;
  readonly source: Source;
}

export interface ChangesFound extends PageFound {
  readonly changes: Change[];
  /** Of a branch's page: the last restore of the database after which the branch is awaited; null: none. */
  readonly homeEpoch: string | null;
}

export interface SummaryFound<Row> extends PageFound {
  /** Number of changes that the rows summarize. */
  readonly changeCount: number;
  readonly rows: readonly Row[];
}

/** The group's history has no such cursor: a failover lost it, or it is beyond the end. */
export interface CursorLost {
  readonly type: 'cursor-lost';
  /** The reader's last position that is still in the history. */
  readonly continueFrom: ChangesCursor;
}

/**
 * Time to watch the primary, ms. A leader moves its group's row each second, so within this time the primary shows
 * whether the group continues without the cursor.
 */
const PRIMARY_WAIT_MS = 2_500;
const PRIMARY_PAUSE_MS = 250;
/** Time for which a page waits until the reader's position is confirmed, ms. A leader confirms its last batch each second. */
const CONFIRMATION_WAIT_MS = 1_500;
const CONFIRMATION_PAUSE_MS = 100;
/** Most requests that may wait for the primary at a time. The primary also has to write. */
const PRIMARY_WAITS_MAX = 16;

type Verdict =
  | { readonly type: 'covered'; readonly position: GroupPosition | undefined; readonly cursor: ChangesCursor }
  | CursorLost
  | ReadFailure;

/**
 * Reads the changes of a group's batches, in order, from any node that has the cursor and the reader's position.
 *
 * A replica may show a batch that a failover loses: one that no other node had stored yet. So a page ends with the last
 * confirmed batch. Otherwise a consumer would apply the changes of a batch that never was, and those of the batch that
 * takes its place.
 */
export class ChangesReader {
  #primaryWaits = 0;
  readonly #reads: Reads;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** The page may end before the reader's position if that is not confirmed within the wait. */
  read(request: ChangesRequest, options: ReadOptions): Promise<ChangesFound | CursorLost | ReadFailure> {
    const { topic, branchId } = request;
    const asked = (values: readonly unknown[]): Asked<ChangeRow> =>
      branchId === undefined
        ? { query: changesQuery(topic), values }
        : { query: changesOfBranchQuery, values: [...values, branchId] };
    return this.#untilConfirmed(request, options, asked(valuesOf(request)), changesIn);
  }

  /** What `summary` makes of a page, which ends like a page of changes. */
  summarize<Row>(
    request: PageRequest,
    summary: Summary<Row>,
    options: ReadOptions,
  ): Promise<SummaryFound<Row> | CursorLost | ReadFailure> {
    const asked = { query: summary, values: valuesOf(request) };
    return this.#untilConfirmed(request, options, asked, summaryIn<Row>);
  }

  async #untilConfirmed<Row, Found extends PageFound>(
    request: PageRequest,
    options: ReadOptions,
    asked: Asked<Row>,
    foundIn: (request: PageRequest, page: Page<Row>) => Found,
  ): Promise<Found | CursorLost | ReadFailure> {
    const startedMs = performance.now();
    const waitMs = Math.max(CONFIRMATION_WAIT_MS, options.waitMs);
    const wanted = positionIn(options.position, request.group);
    for (;;) {
      const read = await this.#read(request, options, asked);
      if (read.type !== 'answer') return read;
      const found = foundIn(request, read);
      const waitedMs = performance.now() - startedMs;
      if (found.more || waitedMs >= waitMs || !isMissing(found, wanted)) return found;
      await sleep(pauseAfter(waitedMs, CONFIRMATION_PAUSE_MS));
    }
  }

  async #read<Row>(
    { group, after }: PageRequest,
    options: ReadOptions,
    { query, values }: Asked<Row>,
  ): Promise<Page<Row> | CursorLost | ReadFailure> {
    const { groups, orders } = options.position;
    const read = (position: readonly GroupPosition[]) =>
      this.#reads.ofGroup(group, query, values, { ...options, position: positionOf(position, orders) });
    const { leadership, seq } = after;
    const first = await read([...groups, ...(leadership === undefined ? [] : [{ group, ...leadership, seq }])]);
    if (first.type === 'answer' && hasPlace(first, after)) return first;
    // The node may only be behind. Only the primary knows whether the history will ever have the cursor.
    const verdict = await this.#verdictOf(group, after, options);
    if (verdict.type !== 'covered') return verdict;
    // The cursor is valid, so the failure is about the reader's own position.
    if (first.type === 'position-lost') return { type: 'cursor-lost', continueFrom: verdict.cursor };
    if (first.type !== 'answer') return first;
    const second = await read([...groups, ...(verdict.position ? [verdict.position] : [])]);
    if (second.type !== 'answer') return second;
    return hasPlace(second, after) ? second : notFresh(group, after);
  }

  /**
   * Asks the primary about a cursor that another node does not have. A replica shows a commit before the primary does,
   * so the primary may still get it. A replaced primary never gets it. Every commit of a group changes the same row
   * (group_state), and only the true primary commits. So if that row has changed since the request arrived and the
   * cursor is still missing, the group's history does not have it.
   */
  async #verdictOf(group: string, cursor: ChangesCursor, { waitMs }: ReadOptions): Promise<Verdict> {
    if (this.#primaryWaits >= PRIMARY_WAITS_MAX) return notFresh(group, cursor);
    this.#primaryWaits += 1;
    try {
      const endMs = performance.now() + Math.max(PRIMARY_WAIT_MS, waitMs);
      const { leadership } = cursor;
      let firstShown: string | undefined;
      for (;;) {
        const looked = await this.#reads.ofPrimary(group, historyQuery, [
          leadership?.term ?? null,
          leadership?.tag ?? null,
        ]);
        if (looked.type === 'answer') {
          const history = historyIn(looked);
          if (isCovered(cursor, history)) {
            const { position } = looked.source;
            return { type: 'covered', position, cursor: cursorIn(history.position, cursor) };
          }
          const shown = JSON.stringify([history.position, looked.extra.at_ms]);
          firstShown ??= shown;
          if (shown !== firstShown) return { type: 'cursor-lost', continueFrom: continuationOf(cursor, history) };
        }
        if (performance.now() >= endMs) return notFresh(group, cursor);
        await sleep(PRIMARY_PAUSE_MS);
      }
    } finally {
      this.#primaryWaits -= 1;
    }
  }
}

type Page<Row> = GroupAnswer<Row, PageRow>;

interface Asked<Row> {
  readonly query: Query<Row, PageRow>;
  readonly values: readonly unknown[];
}

/** The values of a page's query. It reads one change more, which shows where the next page begins. */
function valuesOf({ topic, after: { leadership, seq, n }, limit, announced }: PageRequest): unknown[] {
  const { term = null, tag = null } = leadership ?? {};
  return [topic, seq, n ?? WHOLE_BATCH, limit + 1, term, tag, announced?.term, announced?.tag, announced?.seq];
}

function hasPlace(page: Page<unknown>, cursor: ChangesCursor): boolean {
  return isCovered(cursor, historyIn(page));
}

function historyIn({ source, extra }: GroupAnswer<unknown, HistoryRow>): ShownHistory {
  return { position: source.position ?? { term: 0, tag: '', seq: source.seq }, endsAt: extra.ends_at };
}

/** Whether the page ends before a batch that the reader knows, of the leadership that the page shows. */
function isMissing({ source: { position }, upToSeq }: PageFound, wanted: BatchPosition | undefined): boolean {
  return wanted !== undefined && position?.tag === wanted.tag && upToSeq < wanted.seq;
}

function changesIn({ limit, after }: PageRequest, page: Page<ChangeRow>): ChangesFound {
  const placed = page.rows.map((row, index) => ({ row, place: row.place ?? index + 1 }));
  const rowAt = (wanted: number) => placed.find(({ place }) => place === wanted)?.row;
  const [last, following] = [rowAt(limit), rowAt(limit + 1)];
  const rows = placed.flatMap(({ row, place }) => (place <= limit && row.concerns !== false ? [row] : []));
  return {
    ...pageUpTo(last, following?.seq, after, page),
    changes: rows.map(changeOf),
    homeEpoch: page.extra.home_epoch ?? null,
  };
}

function summaryIn<Row>({ after }: PageRequest, page: Page<SummaryRow<Row>>): SummaryFound<Row> {
  const [{ changes, last_seq: seq, last_n: n, following_seq, summary }] = page.rows as [SummaryRow<Row>];
  const last = seq === null || n === null ? undefined : { seq, n };
  const found = pageUpTo(last, following_seq ?? undefined, after, page);
  return { ...found, changeCount: changes, rows: summary ?? [] };
}

/** A page that ends with the change `last`. `followingSeq`: batch of the next change, if there is one. */
function pageUpTo(
  last: { readonly seq: number; readonly n: number } | undefined,
  followingSeq: number | undefined,
  after: ChangesCursor,
  page: Page<unknown>,
): PageFound {
  const { confirmed_seq: confirmed } = page.extra;
  const more = last !== undefined && followingSeq !== undefined;
  // Without a next change the topic is complete up to the last confirmed batch. A reader may have come further, because an
  // event announced its batch.
  const end = confirmed >= after.seq ? { seq: confirmed } : { seq: after.seq, n: after.n };
  const next = !more ? end : followingSeq === last.seq ? { seq: last.seq, n: last.n } : { seq: last.seq };
  return {
    type: 'page',
    upToSeq: lastCompleteSeq(next),
    next: cursorIn(historyIn(page).position, next),
    more,
    source: page.source,
  };
}

function notFresh(group: string, { leadership, seq }: ChangesCursor): ReadFailure {
  return { type: 'not-fresh', group, wanted: { term: leadership?.term ?? 0, tag: leadership?.tag ?? '', seq } };
}
