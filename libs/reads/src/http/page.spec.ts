import fc from 'fast-check';
import { mergePage } from './page.js';

const key = fc.tuple(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,5}$/), fc.constantFrom('central', 'sucursal-1'));
const compare = (a: readonly string[], b: readonly string[]) =>
  a[0] === b[0] ? ((a[1] ?? '') < (b[1] ?? '') ? -1 : 1) : (a[0] ?? '') < (b[0] ?? '') ? -1 : 1;

/** The part that a group gives: its rows after the place, one more than the limit at the most. */
function partOf(rows: (readonly string[])[], after: string | null, limit: number): (readonly string[])[] {
  const place = after?.split('/');
  const following =
    place === undefined ? rows : rows.filter((row) => compare(row, place) > 0 && row.join('/') !== after);
  return [...following].sort(compare).slice(0, limit + 1);
}

describe('a list over several groups', () => {
  it('page by page gives every row once and in order, however they are spread over the groups', () => {
    const rows = fc.uniqueArray(key, { selector: (row) => row.join('/'), maxLength: 40 });
    fc.assert(
      fc.property(
        rows,
        fc.array(fc.nat(2), { minLength: 40, maxLength: 40 }),
        fc.integer({ min: 1, max: 7 }),
        (all, spread, limit) => {
          const groups = [0, 1, 2].map((group) => all.filter((_row, index) => spread[index] === group));
          const seen: string[] = [];
          let next: string | null = null;
          do {
            const parts = groups.map((own) => partOf(own, next, limit));
            const page = mergePage(parts, limit, (row) => row);
            expect(page.items.length).toBeLessThanOrEqual(limit);
            seen.push(...page.items.map((row) => row.join('/')));
            next = page.next;
          } while (next !== null);
          expect(seen).toEqual([...all].sort(compare).map((row) => row.join('/')));
        },
      ),
    );
  });

  it('one group is no special case', () => {
    expect(mergePage([[['a'], ['b'], ['c']]], 2, (row) => row)).toEqual({ items: [['a'], ['b']], next: 'b' });
    expect(mergePage([[['a'], ['b']]], 2, (row) => row)).toEqual({ items: [['a'], ['b']], next: null });
    expect(mergePage([], 2, (row: string[]) => row)).toEqual({ items: [], next: null });
  });
});
