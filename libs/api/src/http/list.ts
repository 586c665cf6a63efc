import { Readable } from 'node:stream';
import { z } from 'zod';
import { headers, PAGE_ROWS_DEFAULT } from '@eco/contracts';
import { respond, type HttpResponse } from '@eco/service';
import type { GroupAnswer, ReadOptions } from '@eco/reads';
import { parsePosition } from '@eco/routing';
import { columnsOf, csvHeader, csvRows, type Column } from './csv.js';
import { mergePage, type Page, type PageOrder, type Part } from './page.js';
import { headersOf } from './read-answer.js';

/*
 * A list is returned as JSON, page by page, or as CSV if the client prefers it (`Accept: text/csv`): then with all its
 * rows. The rows are read in pages, each when the client has taken the previous one. So one page is in memory, whatever
 * the size of the list, and no snapshot is held while a client reads. The pages share a minimum position: a later page
 * is never older than the first.
 *
 * The status is sent before the last page is read. If a later read fails, the transfer ends without its last chunk,
 * which every HTTP client reports as an error (RFC 9112, 8). So an answer that arrives whole is complete.
 */

/** Most rows of a CSV answer. As orders they are about 50 MB. */
export const CSV_ROWS_MAX = 100_000;
/** Rows per read of a CSV answer, so that its statement is as short as that of a page. */
const CSV_PAGE_ROWS = 500;

/** Header of every list, in addition to those of every read. */
export const acceptHeader = { accept: z.string().max(1000, 'must be at most 1000 characters').optional() };

/** The other media type of a list. */
export const AS_CSV = {
  'text/csv':
    `All rows, from \`after\` on, at most ${CSV_ROWS_MAX}. When there are more, or a read fails midway, the transfer ends ` +
    'with an error: an answer that arrives whole is complete. With a `limit` one page, the next one in `Link`. Text is ' +
    'quoted, numbers are not; text that a spreadsheet would run gets a leading apostrophe',
};

export const LIST_ANSWER_HEADERS = [headers.link];

export interface ListRequest {
  readonly headers: { readonly accept?: string | undefined };
  readonly query: { readonly after?: string | undefined; readonly limit?: number | undefined } & Readonly<
    Record<string, unknown>
  >;
}

export interface PageStart {
  readonly after: string | undefined;
  readonly limit: number;
}

export interface ReadPage {
  readonly page: Page<unknown>;
  readonly headers: Readonly<Record<string, string>>;
  /** Members of the JSON body in addition to `items` and `next`. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** A page of a list from the answers of several groups. `partOf` has the items in a group's rows. */
export function pageOf<Row, T>(
  answers: readonly GroupAnswer<Row, unknown>[],
  partOf: (rows: readonly Row[]) => Part<T>,
  { limit, order, options, settled }: PageOptions<T>,
): { page: Page<T>; headers: Record<string, string> } {
  return {
    page: mergePage(
      answers.map(({ rows }) => partOf(rows)),
      limit,
      order,
    ),
    headers: headersOf(
      answers.map(({ source }) => source),
      options,
      settled,
    ),
  };
}

interface PageOptions<T> {
  /** Most items. */
  readonly limit: number;
  readonly order: PageOrder<T>;
  readonly options: ReadOptions;
  /** Orders that this answer decides. */
  readonly settled?: readonly string[];
}

/** `item`: the schema of a row. `read`: reads the page after a given row. */
export async function answerList(
  { headers: { accept = '' }, query }: ListRequest,
  item: z.ZodObject,
  options: ReadOptions,
  read: (place: PageStart, options: ReadOptions) => Promise<ReadPage>,
): Promise<HttpResponse> {
  const { after, limit } = query;
  if (!prefersCsv(accept)) {
    const { page, headers: sent, extra } = await read({ after, limit: limit ?? PAGE_ROWS_DEFAULT }, options);
    return respond(200, { ...page, ...extra }, sent);
  }
  const columns = columnsOf(item);
  const first = await read({ after, limit: limit ?? CSV_PAGE_ROWS }, options);
  const { next } = first.page;
  const isWhole = limit !== undefined || next === null;
  const body = isWhole
    ? csvOf(first, columns)
    : Readable.from(csvTexts(first, columns, laterReads(first, options, read)));
  const link = limit !== undefined && next !== null && { [headers.link]: `<?${nextQuery(query, next)}>; rel="next"` };
  return respond(200, body, { ...first.headers, ...link, 'Content-Type': 'text/csv; charset=utf-8' });
}

function laterReads(
  first: ReadPage,
  options: ReadOptions,
  read: (place: PageStart, options: ReadOptions) => Promise<ReadPage>,
) {
  const stated = parsePosition(first.headers[headers.position] ?? '');
  const later: ReadOptions = { ...options, waitMs: 0, ...(stated.ok && { position: stated.position }) };
  return (after: string) => read({ after, limit: CSV_PAGE_ROWS }, later);
}

async function* csvTexts(
  first: ReadPage,
  columns: readonly Column[],
  read: (after: string) => Promise<ReadPage>,
): AsyncGenerator<string> {
  yield csvOf(first, columns);
  let rows = first.page.items.length;
  for (let { next } = first.page; next !== null;) {
    const { page } = await read(next);
    rows += page.items.length;
    if (rows > CSV_ROWS_MAX) throw new Error(`a list as CSV has more than ${CSV_ROWS_MAX} rows`);
    if (page.items.length > 0) yield csvRows(page.items, columns);
    next = page.next;
  }
}

function csvOf({ page }: ReadPage, columns: readonly Column[]): string {
  return csvHeader(columns) + csvRows(page.items, columns);
}

/** Whether CSV has a greater weight than JSON, or the same weight and is named first (RFC 9110, 12.5.1). */
function prefersCsv(accept: string): boolean {
  let best = { isCsv: false, weight: 0 };
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase());
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    if (weight > best.weight) best = { isCsv: type === 'text/csv', weight };
  }
  return best.isCsv;
}

function nextQuery(query: Readonly<Record<string, unknown>>, next: string): string {
  const given = Object.entries({ ...query, after: next }).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return new URLSearchParams(given).toString();
}
