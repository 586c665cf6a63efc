import { Readable } from 'node:stream';
import { z } from 'zod';
import { headers } from '@eco/contracts';
import type { ReadOptions } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { answerList, CSV_ROWS_MAX, type PageStart, type ReadPage } from './list.js';

const item = z.object({ n: z.number() });
const options: ReadOptions = { position: NO_POSITION, waitMs: 5_000 };
const csv = { accept: 'text/csv' };

/** A list of that many numbers. It records the requests that it received. */
function listOf(rows: number, failAfter = Infinity) {
  const asked: { place: PageStart; options: ReadOptions }[] = [];
  const read = async (place: PageStart, by: ReadOptions): Promise<ReadPage> => {
    asked.push({ place, options: by });
    const from = Number(place.after ?? 0);
    if (from >= failAfter) throw new Error('no node answers');
    const to = Math.min(rows, from + place.limit);
    const items = Array.from({ length: to - from }, (_, index) => ({ n: from + index }));
    return { page: { items, next: to < rows ? String(to) : null }, headers: { [headers.position]: 'g1=1.0000000a.7' } };
  };
  return { asked, read };
}

async function textOf(body: unknown): Promise<string> {
  if (typeof body === 'string') return body;
  const chunks: string[] = [];
  for await (const chunk of body as Readable) chunks.push(String(chunk));
  return chunks.join('');
}

it.each([
  [undefined, 'json'],
  ['*/*', 'json'],
  ['text/csv', 'csv'],
  ['text/html, text/csv;q=0.5', 'json'],
  ['application/json;q=0.5, text/csv', 'csv'],
  ['text/csv;q=0', 'json'],
])('a client that accepts %s gets %s', async (accept, expected) => {
  const given = await answerList({ headers: { accept }, query: {} }, item, options, listOf(2).read);
  expect(given.headers['Content-Type']).toBe(expected === 'csv' ? 'text/csv; charset=utf-8' : undefined);
  if (expected === 'json') expect(given.body).toEqual({ items: [{ n: 0 }, { n: 1 }], next: null });
  else expect(await textOf(given.body)).toBe('n\r\n0\r\n1\r\n');
});

it('a CSV answer has all rows, each page at least as fresh as the first', async () => {
  const { asked, read } = listOf(1_234);
  const given = await answerList({ headers: csv, query: { after: '3' } }, item, options, read);
  const lines = (await textOf(given.body)).trimEnd().split('\r\n');
  expect(lines).toEqual(['n', ...Array.from({ length: 1_231 }, (_, index) => String(index + 3))]);
  expect(given.headers[headers.link]).toBeUndefined();
  expect(asked[0]?.options).toBe(options);
  for (const { options: later } of asked.slice(1)) {
    expect(later).toMatchObject({
      waitMs: 0,
      position: { groups: [{ group: 'g1', term: 1, tag: '0000000a', seq: 7 }] },
    });
  }
});

it('a CSV answer of a requested page links the next one', async () => {
  const given = await answerList({ headers: csv, query: { limit: 2, name: 'a b' } }, item, options, listOf(3).read);
  expect(given.body).toBe('n\r\n0\r\n1\r\n');
  expect(given.headers[headers.link]).toBe('<?limit=2&name=a+b&after=2>; rel="next"');
});

it('a page is read when the client has taken the previous one, and none after it disconnected', async () => {
  const { asked, read } = listOf(90_000);
  const { body } = await answerList({ headers: csv, query: {} }, item, options, read);
  const stream = body as Readable;
  await new Promise<void>((resolve) => stream.once('readable', resolve));
  const before = asked.length;
  expect(before).toBeLessThan(5);
  stream.read();
  stream.destroy();
  await new Promise<void>((resolve) => stream.once('close', resolve));
  expect(asked.length).toBeLessThanOrEqual(before + 2);
});

it('more rows than the limit, or a read that fails midway, end the answer with an error', async () => {
  const whole = await answerList({ headers: csv, query: {} }, item, options, listOf(CSV_ROWS_MAX).read);
  expect((await textOf(whole.body)).trimEnd().split('\r\n')).toHaveLength(CSV_ROWS_MAX + 1);
  const over = await answerList({ headers: csv, query: {} }, item, options, listOf(CSV_ROWS_MAX + 1).read);
  await expect(textOf(over.body)).rejects.toThrow(`more than ${CSV_ROWS_MAX} rows`);
  const broken = await answerList({ headers: csv, query: {} }, item, options, listOf(5_000, 1_000).read);
  await expect(textOf(broken.body)).rejects.toThrow('no node answers');
});
