import { judgeEntry, whyNoUnits } from './holder-record.js';
import { forgottenGrant, mayUsePool } from './recovery.js';

describe('what the home knows about a holder', () => {
  it.each([
    [1, false, { type: 'next' }],
    [2, false, { type: 'next' }],
    [3, false, { type: 'new-incarnation' }],
    [2, true, { type: 'fork', why: 'place-taken' }],
    [1, true, { type: 'fork', why: 'place-taken' }],
  ])('judges an entry of incarnation %i whose place is taken: %s', (incarnation, isTaken, judgement) => {
    const known = incarnation === 1 ? { incarnation: 1 } : { incarnation: 2 };
    expect(judgeEntry(known, { incarnation, sequence: 7 }, isTaken)).toEqual(judgement);
  });

  it('recognises an entry of a former incarnation', () => {
    const judgement = judgeEntry({ incarnation: 2 }, { incarnation: 1, sequence: 7 }, false);
    expect(judgement).toEqual({ type: 'fork', why: 'former-incarnation' });
  });

  it('gives no units to a holder that is frozen, silent or unknown', () => {
    const record = { incarnation: 1, contactAtMs: 1000, isFrozen: false };
    expect(whyNoUnits(record, 1500, 500)).toBeUndefined();
    expect(whyNoUnits(record, 1501, 500)).toBe('silent');
    expect(whyNoUnits({ ...record, contactAtMs: undefined }, 1500, 500)).toBe('silent');
    expect(whyNoUnits({ ...record, isFrozen: true }, 1500, 500)).toBe('frozen');
  });
});

describe('a restored home', () => {
  it('uses its pool when all holders have reported to it or were written off', () => {
    const awaited = (settledEpoch: number) => ({ awaitedEpoch: 2, settledEpoch });
    expect(mayUsePool([awaited(2), awaited(1)])).toBe(false);
    expect(mayUsePool([awaited(2), awaited(2)])).toBe(true);
  });

  it('finds the units of a forgotten grant in its pool, until it uses the pool', () => {
    expect(forgottenGrant(10, 4, false)).toBe(4);
    expect(forgottenGrant(3, 4, false)).toBe(3);
    expect(forgottenGrant(10, 4, true)).toBe(0);
  });
});
