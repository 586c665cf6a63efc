import fc from 'fast-check';
import { Answer } from '@eco/edge';
import { answerList, csvOf } from './csv.js';

const columns = { name: (item: { name: string | null }) => item.name, n: () => 1 };

/** Reads RFC 4180; a null is an empty cell without quotes. */
function parse(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  const cell = /"((?:[^"]|"")*)"|([^,\r]*)/y;
  for (let at = 0; at < text.length;) {
    cell.lastIndex = at;
    const [whole = '', quoted, plain = ''] = cell.exec(text) ?? [];
    row.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain === '' ? null : plain);
    at += whole.length;
    if (text.startsWith('\r\n', at)) {
      rows.push(row);
      row = [];
      at += 2;
    } else at += 1;
  }
  return rows;
}

describe('a list as CSV', () => {
  it('reads back as it was, whatever the texts hold', () => {
    const text = fc.option(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'é', ' ') }));
    fc.assert(
      fc.property(fc.array(text), (names) => {
        const rows = parse(
          csvOf(
            names.map((name) => ({ name })),
            columns,
          ),
        );
        expect(rows[0]).toEqual(['name', 'n']);
        expect(rows.slice(1).map(([name]) => name?.replace(/^'(?=\r)/, '') ?? null)).toEqual(names);
      }),
    );
  });

  it('holds no formula for a spreadsheet to run', () => {
    expect(csvOf([{ name: '=HYPERLINK("x")' }], columns)).toBe('name,n\r\n"\'=HYPERLINK(""x"")",1\r\n');
  });

  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['text/csv', 'csv'],
    ['text/html, text/csv;q=0.5', 'json'],
    ['application/json;q=0.5, text/csv', 'csv'],
    ['text/csv;q=0', 'json'],
  ])('is given to who accepts %s as %s', (accept, expected) => {
    const page = { items: [{ name: 'a' }], next: 'a/b c' };
    const given = answerList({ headers: { accept }, query: { limit: 1, after: undefined } }, page, columns, { X: 'y' });
    expect(given).toBeInstanceOf(Answer);
    expect(given.headers).toMatchObject({ X: 'y' });
    if (expected === 'json') expect(given.body).toEqual(page);
    else {
      expect(given.body).toBe('name,n\r\na,1\r\n');
      expect(given.headers).toMatchObject({
        Link: '<?limit=1&after=a%2Fb+c>; rel="next"',
        'Content-Type': 'text/csv; charset=utf-8',
      });
    }
  });
});
