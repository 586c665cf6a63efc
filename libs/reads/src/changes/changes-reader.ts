import { pauseAfter, sleep } from '@eco/base';
import { lastCompleteSeq, type Change, type ChangesCursor, type Topic } from '@eco/contracts';
import { positionIn, positionOf, type BatchPosition, type GroupPosition } from '@eco/routing';
import type { GroupAnswer, ReadFailure, ReadOptions, Source } from '../answer.js';
import type { Reads } from '../reads.js';
import {
  changeOf,
  changesOfBranchQuery,
  changesQuery,
  historyQuery,
  WHOLE_BATCH,
  type ChangeRow,
  type HistoryRow,
} from './changes.query.js';
import { continuationOf, cursorIn, isCovered, type ShownHistory } from './cursor-place.js';

export interface ChangesRequest {
  readonly group: string;
  readonly topic: Topic;
  /** Cursor after which the page begins. */
  readonly after: ChangesCursor;
  /** Most changes of a page, which may therefore end inside a batch. */
  readonly limit: number;
  /** Leaves out what does not concern this branch: a page may then have no change, and more pages may follow it. */
  readonly branchId?: string;
  /** A batch that its writer has announced, so that no failover loses it. */
  readonly announced?: BatchPosition;
}

export interface ChangesFound {
  readonly type: 'page';
  readonly changes: Change[];
  /** The topic is complete up to this batch. */
  readonly upToSeq: number;
  /** Cursor after which the next page begins. */
  readonly next: ChangesCursor;
  /** Whether there are changes after this page. */
  readonly more: boolean;
  /** Of a branch's page: the last restore of the database after which the branch is awaited; null: none. */
  readonly homeEpoch: string | null;
  readonly source: Source;
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
  async read(request: ChangesRequest, options: ReadOptions): Promise<ChangesFound | CursorLost | ReadFailure> {
    const startedMs = performance.now();
    const waitMs = Math.max(CONFIRMATION_WAIT_MS, options.waitMs);
    const wanted = positionIn(options.position, request.group);
    for (;;) {
      const read = await this.#read(request, options);
      const waitedMs = performance.now() - startedMs;
      if (read.type !== 'page' || read.more || waitedMs >= waitMs || !isMissing(read, wanted)) return read;
      await sleep(pauseAfter(waitedMs, CONFIRMATION_PAUSE_MS));
    }
  }

  async #read(request: ChangesRequest, options: ReadOptions): Promise<ChangesFound | CursorLost | ReadFailure> {
    const { group, after } = request;
    const { groups, orders } = options.position;
    const read = (position: readonly GroupPosition[]) =>
      this.#readPage(request, { ...options, position: positionOf(position, orders) });
    const { leadership, seq } = after;
    const first = await read([...groups, ...(leadership === undefined ? [] : [{ group, ...leadership, seq }])]);
    if (first.type === 'answer' && hasPlace(first, after)) return pageOf(request, first);
    // The node may only be behind. Only the primary knows whether the history will ever have the cursor.
    const verdict = await this.#verdictOf(group, after, options);
    if (verdict.type !== 'covered') return verdict;
    // The cursor is valid, so the failure is about the reader's own position.
    if (first.type === 'position-lost') return { type: 'cursor-lost', continueFrom: verdict.cursor };
    if (first.type !== 'answer') return first;
    const second = await read([...groups, ...(verdict.position ? [verdict.position] : [])]);
    if (second.type !== 'answer') return second;
    return hasPlace(second, after) ? pageOf(request, second) : notFresh(group, after);
  }

  #readPage({ group, topic, after: { leadership, seq, n }, limit, branchId }: ChangesRequest, options: ReadOptions) {
    const values = [topic, seq, n ?? WHOLE_BATCH, limit + 1, leadership?.term ?? null, leadership?.tag ?? null];
    if (branchId === undefined) return this.#reads.ofGroup(group, changesQuery(topic), values, options);
    return this.#reads.ofGroup(group, changesOfBranchQuery, [...values, branchId], options);
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

type Page = GroupAnswer<ChangeRow, HistoryRow>;

function hasPlace(page: Page, cursor: ChangesCursor): boolean {
  return isCovered(cursor, historyIn(page));
}

function historyIn({ source, extra }: GroupAnswer<unknown, HistoryRow>): ShownHistory {
  return { position: source.position ?? { term: 0, tag: '', seq: source.seq }, endsAt: extra.ends_at };
}

/** Whether the page ends before a batch that the reader knows, of the leadership that the page shows. */
function isMissing({ source: { position }, upToSeq }: ChangesFound, wanted: BatchPosition | undefined): boolean {
  return wanted !== undefined && position?.tag === wanted.tag && upToSeq < wanted.seq;
}

/** The last batch of this page's history that no failover loses. */
function confirmedSeq({ announced }: ChangesRequest, page: Page): number {
  const { position } = historyIn(page);
  const isOfSameLeader = announced?.term === position.term && announced.tag === position.tag;
  return Math.max(page.extra.confirmed_seq, isOfSameLeader ? Math.min(announced.seq, position.seq) : 0);
}

function pageOf(request: ChangesRequest, page: Page): ChangesFound {
  const { limit, after } = request;
  const confirmed = confirmedSeq(request, page);
  const placed = page.rows
    .map((row, index) => ({ row, place: row.place ?? index + 1 }))
    .filter(({ row }) => row.seq <= confirmed);
  const rowAt = (wanted: number) => placed.find(({ place }) => place === wanted)?.row;
  const [last, following] = [rowAt(limit), rowAt(limit + 1)];
  const rows = placed.flatMap(({ row, place }) => (place <= limit && row.concerns !== false ? [row] : []));
  const { position } = historyIn(page);
  // Without a next change the topic is complete up to the last confirmed batch. A reader may have come further, because an
  // event announced its batch.
  const end = confirmed >= after.seq ? { seq: confirmed } : { seq: after.seq, n: after.n };
  const next =
    last === undefined || following === undefined
      ? end
      : following.seq === last.seq
        ? { seq: last.seq, n: last.n }
        : { seq: last.seq };
  return {
    type: 'page',
    changes: rows.map(changeOf),
    upToSeq: lastCompleteSeq(next),
    next: cursorIn(position, next),
    more: following !== undefined,
    homeEpoch: page.extra.home_epoch ?? null,
    source: page.source,
  };
}

function notFresh(group: string, { leadership, seq }: ChangesCursor): ReadFailure {
  return { type: 'not-fresh', group, wanted: { term: leadership?.term ?? 0, tag: leadership?.tag ?? '', seq } };
}
