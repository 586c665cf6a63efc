import fc from 'fast-check';
import { checkHistory, historyErrorTexts, type Asked, type Found } from './check-history.js';

const NONE = { lost: [], torn: [], doubled: [], unexpected: [] };
const ROWS = ['an order', 'an outcome', 'a movement of tea', 'a movement of milk'];

/** Requests, each with one to four rows, some of them twice. */
const requests = fc.uniqueArray(
  fc.record({
    token: fc.nat(1000).map((number) => `customer-${number}`),
    known: fc.constantFrom<Asked['known']>('acknowledged', 'refused', 'unknown'),
    rows: fc.array(fc.constantFrom(...ROWS), { minLength: 1, maxLength: 4 }),
  }),
  { selector: ({ token }) => token, minLength: 1, maxLength: 20 },
);
const all = ({ token, rows }: Asked): Found[] => rows.map((row) => ({ token, row }));

/** A history without errors. An unknown request has its rows or has none, at random. */
const sound = fc
  .tuple(requests, fc.infiniteStream(fc.boolean()))
  .map(([asked, coins]) => ({
    asked,
    landed: asked.filter(
      ({ known }) => known === 'acknowledged' || (known === 'unknown' && coins.next().value === true),
    ),
  }))
  .chain(({ asked, landed }) => {
    const found = landed.flatMap(all);
    return fc.record({
      asked: fc.constant(asked),
      landed: fc.constant(landed),
      found: fc.shuffledSubarray(found, { minLength: found.length, maxLength: found.length }),
    });
  });

const chosen = <T>(list: readonly T[], choice: number): T | undefined => list[choice % list.length];
const sortedText = (list: readonly { token: string; row: string }[]) =>
  list.map(({ token, row }) => `${token} ${row}`).sort();

describe('checkHistory', () => {
  it('finds no error in a history in which every request is stored as acknowledged, in any order', () => {
    fc.assert(
      fc.property(sound, ({ asked, found }) => {
        expect(checkHistory(asked, found)).toEqual(NONE);
        expect(historyErrorTexts(checkHistory(asked, found))).toEqual([]);
      }),
    );
  });

  it('reports an acknowledged request without rows as lost, with every row, and nothing else', () => {
    fc.assert(
      fc.property(sound, fc.nat(), ({ asked, found }, choice) => {
        const victim = chosen(
          asked.filter(({ known }) => known === 'acknowledged'),
          choice,
        );
        fc.pre(victim !== undefined);
        const left = found.filter(({ token }) => token !== victim?.token);
        const { lost, ...others } = checkHistory(asked, left);
        expect(sortedText(lost)).toEqual(sortedText(all(victim as Asked)));
        expect({ ...others, lost: [] }).toEqual(NONE);
      }),
    );
  });

  it('reports an extra copy of a row as doubled, although the set of rows is the same', () => {
    fc.assert(
      fc.property(sound, fc.nat(), ({ asked, found }, choice) => {
        const again = chosen(found, choice);
        fc.pre(again !== undefined);
        const faults = checkHistory(asked, [...found, again]);
        expect(faults).toEqual({ ...NONE, doubled: [again] });
        expect(historyErrorTexts(faults)).toEqual([`1 doubled, ${again?.token}: ${again?.row}`]);
      }),
    );
  });

  it('reports a request that is stored twice under any ids as doubled, with every row', () => {
    fc.assert(
      fc.property(sound, fc.nat(), ({ asked, landed, found }, choice) => {
        const victim = chosen(landed, choice);
        fc.pre(victim !== undefined);
        const { doubled, ...others } = checkHistory(asked, [...found, ...all(victim)]);
        expect(sortedText(doubled)).toEqual(sortedText(all(victim as Asked)));
        expect({ ...others, doubled: [] }).toEqual(NONE);
      }),
    );
  });

  it('reports one missing row of several as torn', () => {
    fc.assert(
      fc.property(sound, fc.nat(), ({ asked, landed, found }, choice) => {
        const victim = chosen(
          landed.filter(({ rows }) => rows.length > 1),
          choice,
        );
        fc.pre(victim !== undefined);
        const at = found.findIndex(({ token }) => token === victim?.token);
        const faults = checkHistory(asked, found.toSpliced(at, 1));
        expect(faults).toEqual({ ...NONE, torn: [found[at]] });
      }),
    );
  });

  it.each([
    ['of an unknown request', 'another client', undefined],
    ['of a request that was refused for certain', 'refused', 'refused' as const],
    ['that its request did not ask for', 'acknowledged', 'acknowledged' as const],
  ])('reports a row %s as unexpected', (_what, token, known) => {
    fc.assert(
      fc.property(sound, fc.constantFrom(...ROWS, 'another order'), ({ asked, found }, row) => {
        const mine: Asked[] = known === undefined ? [] : [{ token, known, rows: ['its own row'] }];
        const own = known === 'acknowledged' ? [{ token, row: 'its own row' }] : [];
        const faults = checkHistory([...asked, ...mine], [...found, ...own, { token, row }]);
        expect(faults).toEqual({ ...NONE, unexpected: [{ token, row }] });
      }),
    );
  });

  it('refuses two requests with one token', () => {
    const request: Asked = { token: 'ana', known: 'unknown', rows: ['an order'] };
    expect(() => checkHistory([request, request], [])).toThrow('ana');
  });
});
