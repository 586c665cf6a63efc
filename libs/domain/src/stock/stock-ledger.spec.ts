import { Buckets } from '../buckets.js';
import type { Effects } from '../effects.js';
import { levelKey } from './level.js';
import { StockLedger } from './stock-ledger.js';

function ledgerWith(onHand: number, reserved: number) {
  const stored = Object.freeze({ productId: 'cafe', location: 'central', onHand, reserved, sequence: 7 });
  const effects: Pick<Effects, 'levels' | 'movements'> = { levels: [], movements: [] };
  const buckets = new Buckets({ buckets: 16, ownedBuckets: new Set() });
  const ledger = new StockLedger(new Map([[levelKey('cafe', 'central'), stored]]), buckets, effects);
  return { ledger, effects };
}

describe('StockLedger', () => {
  it('does not modify loaded state, and writes no unchanged level', () => {
    const { ledger, effects } = ledgerWith(5, 1);
    const level = ledger.level('cafe', 'central');
    expect(effects.levels).toEqual([]);
    ledger.move(level, { movement: 'reserved', onHandDelta: 0, reservedDelta: 2 }, 'a');
    expect(ledger.level('cafe', 'central')).toMatchObject({ onHand: 5, reserved: 3, sequence: 8 });
    expect(effects.levels).toEqual([level]);
  });

  it('counts each location separately, from 0 where there never was stock', () => {
    const { ledger, effects } = ledgerWith(5, 1);
    const level = ledger.level('cafe', 'sucursal-1');
    expect(level).toMatchObject({ onHand: 0, reserved: 0, sequence: 0 });
    ledger.move(level, { movement: 'received', onHandDelta: 3, reservedDelta: 0 }, 'a');
    ledger.addMovements();
    expect(effects.movements).toMatchObject([{ location: 'sucursal-1', sequence: 1, onHand: 3 }]);
    expect(ledger.level('cafe', 'central')).toMatchObject({ onHand: 5, sequence: 7 });
  });

  it('numbers the movements of a level without gaps, whatever moved in between', () => {
    const { ledger, effects } = ledgerWith(5, 1);
    for (const location of ['central', 'sucursal-1', 'central', 'sucursal-1', 'central']) {
      ledger.move(ledger.level('cafe', location), { movement: 'received', onHandDelta: 1, reservedDelta: 0 }, 'a');
    }
    ledger.addMovements();
    expect(effects.movements.map(({ location, sequence, n }) => [location, sequence, n])).toEqual([
      ['central', 8, 1],
      ['central', 9, 2],
      ['central', 10, 3],
      ['sucursal-1', 1, 4],
      ['sucursal-1', 2, 5],
    ]);
  });

  it.each([
    { onHandDelta: 0, reservedDelta: 5 },
    { onHandDelta: -5, reservedDelta: 0 },
    { onHandDelta: 0, reservedDelta: -2 },
  ])('throws instead of overselling: $onHandDelta, $reservedDelta', (deltas) => {
    const { ledger, effects } = ledgerWith(5, 1);
    const level = ledger.level('cafe', 'central');
    expect(() => ledger.move(level, { movement: 'reserved', ...deltas }, 'a')).toThrow('cafe at central');
    ledger.addMovements();
    expect(effects).toEqual({ levels: [], movements: [] });
    expect(level).toMatchObject({ onHand: 5, reserved: 1, sequence: 7 });
  });
});
