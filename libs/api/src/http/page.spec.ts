import fc from 'fast-check';
import { mergePage, wholePart, type Part } from './page.js';

const key = fc.tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,5}$/), fc.constantFrom('central', 'sucursal-1'));
const compare = (a: readonly string[], b: readonly string[]) =>
  a[0] === b[0] ? ((a[1] ?? '') < (b[1] ?? '') ? -1 : 1) : (a[0] ?? '') < (b[0] ?? '') ? -1 : 1;

/** A group's part of a list: it looks at `lookMax` rows after the start and returns those that fit. */
function partOf(
  rows: (readonly string[])[],
  after: string | null,
  limit: number,
  lookMax: number,
  fits: (row: readonly string[]) => boolean,
): Part<readonly string[]> {
  const place = after?.split('/');
  const following = rows
    .filter((row) => place === undefined || (compare(row, place) > 0 && row.join('/') !== after))
    .sort(compare);
  const looked = following.slice(0, lookMax);
  return {
    items: looked.filter(fits).slice(0, limit + 1),
    lookedTo: following.length > lookMax ? (looked.at(-1) ?? null) : null,
  };
}

describe('a list over several groups', () => {
  const rows = fc.uniqueArray(key, { selector: (row) => row.join('/'), maxLength: 40 });
  const spreads = fc.array(fc.nat(2), { minLength: 40, maxLength: 40 });

  it('returns page by page every fitting row once and in order, however rows are spread and however far each group looks', () => {
    const pages = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.constantFrom(1, 3, 1_000));
    const lastLetters = fc.uniqueArray(fc.constantFrom('central', 'sucursal-1'), { minLength: 1 });
    fc.assert(
      fc.property(rows, spreads, pages, lastLetters, (all, spread, [limit, lookMax], fitting) => {
        const groups = [0, 1, 2].map((group) => all.filter((_row, index) => spread[index] === group));
        const fits = (row: readonly string[]) => fitting.some((each) => each === row[1]);
        const seen: string[] = [];
        let next: string | null = null;
        do {
          const parts = groups.map((own) => partOf(own, next, limit, lookMax, fits));
          const page = mergePage(parts, limit, { keyOf: (row) => row });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items.map((row) => row.join('/')));
          next = page.next;
        } while (next !== null);
        const expected = all.filter(fits).sort(compare);
        expect(seen).toEqual(expected.map((row) => row.join('/')));
      }),
    );
  });

  it('may be in descending order', () => {
    const parts = [wholePart([['d'], ['a']]), wholePart([['c'], ['b']])];
    expect(mergePage(parts, 3, { keyOf: (row) => row, descending: true })).toEqual({
      items: [['d'], ['c'], ['b']],
      next: 'b',
    });
  });

  it('treats one group as no special case', () => {
    const order = { keyOf: (row: string[]) => row };
    expect(mergePage([wholePart([['a'], ['b'], ['c']])], 2, order)).toEqual({ items: [['a'], ['b']], next: 'b' });
    expect(mergePage([wholePart([['a'], ['b']])], 2, order)).toEqual({ items: [['a'], ['b']], next: null });
    expect(mergePage([], 2, order)).toEqual({ items: [], next: null });
  });
});
