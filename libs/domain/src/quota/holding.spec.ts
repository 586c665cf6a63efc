import fc from 'fast-check';
import { NEW_HOLDER, nextEntry, restored, takeOver, type HolderState } from './holder.js';
import {
  accept,
  afterWriteOff,
  count,
  giveBack,
  recallable,
  remainingOf,
  restock,
  spendLines,
  type Holding,
} from './holding.js';

const ready: HolderState = { ...NEW_HOLDER, standing: 'ready' };
const waiting = NEW_HOLDER;
const holding: Holding = { granted: 5, spent: 2 };
const unitsOf = (each: Holding | undefined) => (each === undefined ? undefined : remainingOf(each));

describe('a holding', () => {
  it('spends all lines or none, and names every product that is short', () => {
    const holdings = new Map([
      ['cafe', { granted: 5, spent: 0 }],
      ['mate', { granted: 1, spent: 1 }],
    ]);
    const cafe = { productId: 'cafe', quantity: 3 };
    expect(spendLines(ready, holdings, [cafe, { productId: 'cafe', quantity: 2 }])).toEqual({
      type: 'spent',
      holdings: new Map([['cafe', { granted: 5, spent: 5 }]]),
    });
    expect(spendLines(ready, holdings, [cafe, cafe, { productId: 'mate', quantity: 1 }])).toEqual({
      type: 'short',
      lines: [
        { type: 'short', productId: 'cafe', asked: 6, remaining: 5 },
        { type: 'short', productId: 'mate', asked: 1, remaining: 0 },
      ],
    });
  });

  it('accepts the units of a grant once', () => {
    expect(unitsOf(accept(ready, holding, 4, false))).toBe(7);
    expect(accept(ready, holding, 4, true)).toBeUndefined();
  });

  it('gives back what remains and no more', () => {
    expect(giveBack(ready, holding, 3)).toEqual({ type: 'changed', holding: { granted: 2, spent: 2 } });
    expect(giveBack(ready, holding, 4)).toEqual({ type: 'short', asked: 4, remaining: 3 });
    expect(recallable(ready, holding, 2)).toBe(2);
    expect(recallable(ready, holding, 9)).toBe(3);
  });

  it('loses written-off units as far as it has not spent them', () => {
    expect(unitsOf(afterWriteOff(holding, 2))).toBe(1);
    expect(unitsOf(afterWriteOff(holding, 9))).toBe(0);
  });

  it('takes units back that a former incarnation sold', () => {
    expect(restock(ready, holding, 1)).toEqual({ granted: 5, spent: 1 });
    expect(restock(ready, holding, 3)).toEqual({ granted: 6, spent: 0 });
  });

  it('remains what was counted', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), fc.nat(20), (granted, spent, counted) => {
        const change = count(ready, { granted: granted + spent, spent }, counted);
        expect(change.type === 'changed' && remainingOf(change.holding)).toBe(counted);
      }),
    );
  });

  it('does not change while its holder has not taken over the levels', () => {
    expect(spendLines(waiting, new Map([['cafe', holding]]), [{ productId: 'cafe', quantity: 1 }]).type).toBe(
      'waiting',
    );
    expect(accept(waiting, holding, 1, false)).toBeUndefined();
    expect(giveBack(waiting, holding, 1).type).toBe('waiting');
    expect(recallable(waiting, holding, 1)).toBe(0);
    expect(count(waiting, holding, 1).type).toBe('waiting');
    expect(restock(waiting, holding, 1)).toBe(holding);
  });
});

describe('a holder', () => {
  it('numbers its entries without gaps, and again from 1 in a new incarnation', () => {
    const { holder, place } = nextEntry(nextEntry(ready).holder);
    expect(place).toEqual({ incarnation: 1, sequence: 2 });
    const again = restored(holder, 4);
    expect(again).toEqual({ ...NEW_HOLDER, incarnation: 5 });
    expect(nextEntry(again).place).toEqual({ incarnation: 5, sequence: 1 });
    expect(restored(holder, 0).incarnation).toBe(2);
  });

  it('takes over the levels that contain its report, and no others', () => {
    const levels = new Map([['cafe', 7]]);
    expect(takeOver(waiting, levels, false)).toBeUndefined();
    expect(takeOver(waiting, levels, true)).toEqual({
      holder: ready,
      holdings: new Map([['cafe', { granted: 7, spent: 0 }]]),
    });
  });
});
