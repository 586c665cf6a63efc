import { z } from 'zod';
import { headers } from '@eco/contracts';
import { answer, type Answer } from '@eco/edge';
import type { Page } from './page.js';

/*
 * Lists as CSV (RFC 4180) for who prefers it: `Accept: text/csv`. What JSON has beside the items is told in headers, the
 * next page as a link.
 */

export type Columns<T> = Readonly<Record<string, (item: T) => string | number | null>>;

/** Header of every list; beside those of every read. */
export const acceptHeader = {
  accept: z
    .string()
    .max(1000, 'must be at most 1000 characters')
    .optional()
    .meta({ description: 'text/csv: the items as CSV, the next page in `Link`', examples: ['text/csv'] }),
};

export const LIST_ANSWER_HEADERS = [headers.link];

export interface ListRequest {
  readonly headers: { readonly accept?: string | undefined };
  readonly query: Readonly<Record<string, unknown>>;
}

/** The page as JSON or CSV, as the reader prefers. `beside` stands beside the items in JSON. */
export function answerList<T>(
  { headers: { accept = '' }, query }: ListRequest,
  page: Page<T>,
  columns: Columns<T>,
  read: Readonly<Record<string, string>>,
  beside: Readonly<Record<string, unknown>> = {},
): Answer {
  if (!prefersCsv(accept)) return answer(200, { ...page, ...beside }, read);
  const link: Record<string, string> =
    page.next === null ? {} : { [headers.link]: `<?${nextQuery(query, page.next)}>; rel="next"` };
  return answer(200, csvOf(page.items, columns), { ...read, ...link, 'Content-Type': 'text/csv; charset=utf-8' });
}

export function csvOf<T>(items: readonly T[], columns: Columns<T>): string {
  const cells = Object.values(columns);
  const lines = [Object.keys(columns), ...items.map((item) => cells.map((valueOf) => cellOf(valueOf(item))))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

/** Null is an empty cell, empty text a quoted one. */
function cellOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  // A spreadsheet takes a text that begins so for a formula (OWASP, CSV injection).
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether CSV has a greater weight than JSON, or the same and is named first (RFC 9110, 12.5.1). */
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
