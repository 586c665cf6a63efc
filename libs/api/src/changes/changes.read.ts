import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import {
  changesPageSchema,
  changesQuerySchema,
  formatChangesCursor,
  lastCompleteSeq,
  type ChangesCursor,
  type Topic,
} from '@eco/contracts';
import { sleep } from '@eco/base';
import {
  respond,
  Input,
  operation,
  Operation,
  problem,
  type HttpResponse,
  type InputOf,
  type ProblemError,
} from '@eco/service';
import { Reads, type GroupAnswer, type ReadOptions, type ReadFailure } from '@eco/reads';
import { positionOf, type GroupPosition } from '@eco/routing';
import { answered, headersOf, problemOf, READ_ANSWER_HEADERS, READ_PROBLEMS } from '../http/read-answer.js';
import { readOptionsOf, readHeadersSchema } from '../http/read-request.js';
import { changeOf, changesQuery, historyQuery, WHOLE_BATCH, type ChangeRow, type HistoryRow } from './changes.query.js';
import { continuationOf, cursorIn, isCovered, type ShownHistory } from './cursor-place.js';

const listChanges = operation({
  summary: 'Changes made by the batches of a group, in order',
  description:
    'At most `limit` changes, so a page may end inside a batch; `next` says where to go on. Events announce changes; ' +
    'this is where they are. A consumer that brings the position of an event gets at least what the event announced. ' +
    'When a failover has lost what `after` names, or it is beyond the end, the problem `position-lost` (410) has the ' +
    'member `continueFrom`: the last place that is still in the history, to ask for `after`.',
  query: changesQuerySchema,
  headers: readHeadersSchema,
  answers: { 200: { description: 'One page', body: changesPageSchema, headers: READ_ANSWER_HEADERS } },
  problems: [...READ_PROBLEMS],
});

/**
 * A leader moves its group's row each second, so within this time the primary shows whether it continues without a
 * cursor.
 */
const PRIMARY_WAIT_MS = 2_500;
const PRIMARY_PAUSE_MS = 250;
/** Requests that may wait for the primary at a time, which has to write. */
const PRIMARY_WAITS_MAX = 16;

type Verdict =
  | { readonly type: 'covered'; readonly position: GroupPosition | undefined; readonly cursor: ChangesCursor }
  | { readonly type: 'lost'; readonly continueFrom: ChangesCursor }
  | ReadFailure;

@ApiTags('changes')
@Controller('changes')
export class ChangesController {
  #primaryWaits = 0;

  constructor(private readonly reads: Reads) {}

  @Get()
  @Operation(listChanges)
  async list(@Input(listChanges) { query, headers }: InputOf<typeof listChanges>): Promise<HttpResponse> {
    const { topic, after, limit } = query;
    const group = this.#groupOf(query.group);
    const options = readOptionsOf(headers);
    const read = (position: readonly GroupPosition[]) =>
      this.#read(group, topic, after, limit, { ...options, position: positionOf(position, options.position.orders) });
    const { leadership, seq } = after;
    const own = leadership === undefined ? [] : [{ group, ...leadership, seq }];
    const first = await read([...options.position.groups, ...own]);
    if (first.type === 'answer' && hasPlace(first, after)) return pageOf(group, topic, after, limit, first, options);
    // That node may only be behind. Only the primary knows whether the history will ever have the cursor.
    const verdict = await this.#verdictOf(group, after, options);
    if (verdict.type === 'lost') throw lost(group, after, verdict.continueFrom);
    if (verdict.type !== 'covered') throw problemOf(verdict);
    // The cursor is fine, so the position in the header is what can't be had.
    if (first.type === 'position-lost') throw lost(group, after, verdict.cursor);
    if (first.type !== 'answer') throw problemOf(first);
    const second = answered(await read([...options.position.groups, ...(verdict.position ? [verdict.position] : [])]));
    if (hasPlace(second, after)) return pageOf(group, topic, after, limit, second, options);
    throw problemOf(notFresh(group, after));
  }

  #read(group: string, topic: Topic, { leadership, seq, n }: ChangesCursor, limit: number, options: ReadOptions) {
    const values = [topic, seq, n ?? WHOLE_BATCH, limit + 1, leadership?.term ?? null, leadership?.tag ?? null];
    return this.reads.ofGroup(group, changesQuery(topic), values, options);
  }

  /**
   * Asks the primary about a cursor that another node does not have. A primary that lacks it may still get it, because
   * a replica shows a commit before the primary does, by one transaction. A primary that was replaced never gets it.
   * Every commit of a group changes the same row (group_state), and only the true primary commits. So if that row has
   * changed since the request arrived and the cursor is still missing, it is not in the group's history.
   */
  async #verdictOf(group: string, cursor: ChangesCursor, { waitMs }: ReadOptions): Promise<Verdict> {
    if (this.#primaryWaits >= PRIMARY_WAITS_MAX) return notFresh(group, cursor);
    this.#primaryWaits += 1;
    try {
      const endMs = performance.now() + Math.max(PRIMARY_WAIT_MS, waitMs);
      const { leadership } = cursor;
      let firstShown: string | undefined;
      for (;;) {
        const looked = await this.reads.ofPrimary(group, historyQuery, [
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
          if (shown !== firstShown) return { type: 'lost', continueFrom: continuationOf(cursor, history) };
        }
        if (performance.now() >= endMs) return notFresh(group, cursor);
        await sleep(PRIMARY_PAUSE_MS);
      }
    } finally {
      this.#primaryWaits -= 1;
    }
  }

  #groupOf(asked: string | undefined): string {
    const { groupIds } = this.reads;
    const [only, ...others] = groupIds;
    if (asked === undefined && only !== undefined && others.length === 0) return only;
    if (asked !== undefined && groupIds.includes(asked)) return asked;
    throw problem('bad-input', { faults: [{ at: 'query.group', message: `must be one of ${groupIds.join(', ')}` }] });
  }
}

type Page = GroupAnswer<ChangeRow, HistoryRow>;

function hasPlace(page: Page, cursor: ChangesCursor): boolean {
  return isCovered(cursor, historyIn(page));
}

function historyIn({ source, extra }: GroupAnswer<unknown, HistoryRow>): ShownHistory {
  return { position: source.position ?? { term: 0, tag: '', seq: source.seq }, endsAt: extra.ends_at };
}

function pageOf(
  group: string,
  topic: Topic,
  after: ChangesCursor,
  limit: number,
  page: Page,
  options: ReadOptions,
): HttpResponse {
  const rows = page.rows.slice(0, limit);
  const [last, following] = [rows.at(-1), page.rows[limit]];
  const { position } = historyIn(page);
  // Without a next change the topic has nothing more up to the node's position.
  const next =
    last === undefined || following === undefined
      ? { seq: position.seq }
      : following.seq === last.seq
        ? { seq: last.seq, n: last.n }
        : { seq: last.seq };
  const body = {
    group,
    topic,
    changes: rows.map(changeOf),
    upToSeq: lastCompleteSeq(next),
    next: formatChangesCursor(cursorIn(position, next)),
    more: following !== undefined,
  };
  return respond(200, body, headersOf([page.source], options));
}

function notFresh(group: string, { leadership, seq }: ChangesCursor): ReadFailure {
  return { type: 'not-fresh', group, wanted: { term: leadership?.term ?? 0, tag: leadership?.tag ?? '', seq } };
}

function lost(group: string, cursor: ChangesCursor, continueFrom: ChangesCursor): ProblemError {
  return problem('position-lost', {
    detail:
      `${formatChangesCursor(cursor)} is not in the history of group ${group}. ` +
      `Discard positions of this group, and continue after ${formatChangesCursor(continueFrom)}`,
    members: { continueFrom: formatChangesCursor(continueFrom) },
  });
}
