import { changeData, outcomeResults, type Command, type OrderLine } from '@eco/contracts';
import {
  arrivedOf,
  closeShift,
  command,
  making,
  NOON_MS,
  recordSale,
  saleOf,
  shiftOf,
  stampAt,
} from '../test/commands.js';
import { bucketOf } from '@eco/routing';
import { BUCKETS, MemoryGroup } from '../test/memory-group.js';

const BRANCH = 'sucursal-1';
const NOON = new Date(NOON_MS).toISOString();
const at = (sequence: number) => ({ branchId: BRANCH, incarnation: 1, sequence });
const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock: 20 });
const te = command('product.create', { productId: 'te', name: 'Té', priceCents: 100, stock: 20 });
const receive = (productId: string, quantity: number) =>
  command('stock.receive', { productId, location: BRANCH, quantity });
const voided = (sequence: number, saleId: string) =>
  command('sale.void', { ...at(sequence), saleId, voidedAt: NOON, reason: 'wrong product' });
const returned = (sequence: number, saleId: string | null, lines: OrderLine[]) =>
  making('sale.return', {
    ...at(sequence),
    saleId,
    returnedAt: NOON,
    reason: 'broken',
    lines: lines.map((line) => ({ ...line, unitPriceCents: 100 })),
    refundCents: 100,
  });

/** A branch with 5 units of coffee, and 20 in the pool. */
function stocked(): MemoryGroup {
  const group = new MemoryGroup();
  group.write(arrivedOf([cafe, te, receive('cafe', 5)]));
  return group;
}

function levelsOf(group: MemoryGroup, productId = 'cafe'): Record<string, number> {
  const levels = [...group.stored.levels.values()].filter((level) => level.productId === productId);
  return Object.fromEntries(levels.map(({ location, onHand }) => [location, onHand]));
}

describe('sale.record', () => {
  it('takes the units from the quota of the branch, and never from the pool', () => {
    const group = stocked();
    const sale = recordSale(at(1), { cafe: 2 });
    const { outcomes, sales, movements } = group.write(arrivedOf([sale]));
    expect(outcomes).toMatchObject([
      {
        status: 'done',
        result: { saleId: sale.id, branchId: BRANCH, excess: [], isLate: false },
        topic: 'sales',
        n: 1,
      },
    ]);
    expect(outcomeResults['sale.record'].parse(outcomes[0]?.result)).toEqual(outcomes[0]?.result);
    expect(changeData['sale.recorded'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    expect(sales).toMatchObject([{ saleId: sale.id, receiptNumber: 'A-sucursal-1-1-1-1', totalCents: 200 }]);
    expect(movements).toMatchObject([{ movement: 'sold', location: BRANCH, onHandDelta: -2, commandId: sale.id }]);
    expect(levelsOf(group)).toEqual({ central: 20, [BRANCH]: 3 });
  });

  it('books what exceeds the quota as a discrepancy, after the units that were written off', () => {
    const group = stocked();
    group.write(
      arrivedOf([
        command('quota.write-off', { branchId: BRANCH, productId: 'cafe', quantity: 2, reason: 'the branch burned' }),
      ]),
    );
    const { outcomes } = group.write(arrivedOf([recordSale(at(1), { cafe: 6, te: 1 })]));
    expect(outcomes).toMatchObject([
      {
        status: 'done',
        result: {
          excess: [
            { productId: 'cafe', quantity: 1 },
            { productId: 'te', quantity: 1 },
          ],
        },
      },
    ]);
    const places = { [BRANCH]: 0, [`${BRANCH}/written-off`]: 0, [`${BRANCH}/discrepancy`]: 1 };
    expect(levelsOf(group)).toEqual({ central: 20, ...places });
    expect(levelsOf(group, 'te')).toEqual({ central: 20, [`${BRANCH}/discrepancy`]: 1 });
  });

  it('books a product that the catalogue does not know, and a branch that is no location', () => {
    const place = { branchId: 'new-branch', sequence: 1 };
    const { outcomes } = stocked().write(arrivedOf([recordSale(place, { mate: 2 })]));
    expect(outcomes).toMatchObject([{ status: 'done', result: { excess: [{ productId: 'mate', quantity: 2 }] } }]);
  });

  it('moves the units of two lines of one product once', () => {
    const lines = [
      { productId: 'cafe', quantity: 2 },
      { productId: 'cafe', quantity: 1 },
    ];
    const { movements, sales } = stocked().write(arrivedOf([recordSale(at(1), lines)]));
    expect(movements).toMatchObject([{ onHandDelta: -3 }]);
    expect(sales[0]?.lines).toMatchObject(lines);
  });

  it('marks a sale late whose shift was closed before, in the same batch or an earlier one', () => {
    const group = stocked();
    const [first, second] = [shiftOf(BRANCH, 'a'), shiftOf(BRANCH, 'b')];
    group.write(arrivedOf([closeShift(at(1), { idempotencyKey: 'a' })]));
    const { sales } = group.write(
      arrivedOf([
        recordSale(at(2), { cafe: 1 }, { shiftId: first }),
        recordSale(at(3), { cafe: 1 }, { shiftId: second, idempotencyKey: 'in time' }),
        closeShift(at(4), { idempotencyKey: 'b' }),
        recordSale(at(5), { cafe: 1 }, { shiftId: second, idempotencyKey: 'late' }),
      ]),
    );
    expect(sales.map(({ isLate }) => isLate)).toEqual([true, false, true]);
  });

  it('is a dead letter while a product is another group’s, and the next sale goes on', () => {
    const elsewhere = bucketOf('mate', BUCKETS);
    const owned = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter((bucket) => bucket !== elsewhere);
    const group = new MemoryGroup(NOON, new Set(owned));
    const { replies, entries, deadLetters } = group.write(
      arrivedOf([recordSale(at(1), { mate: 1, cafe: 1 }), recordSale(at(2), { cafe: 1 })]),
    );
    expect(replies).toMatchObject([{ type: 'dead-letter' }, { type: 'outcome', status: 'done' }]);
    expect(deadLetters).toMatchObject([{ kind: 'sale.record', errorClass: 'not-owned' }]);
    expect(entries).toMatchObject([{ sequence: 2 }]);
  });

  it('is booked however old it is and however wrong the clock of the branch', () => {
    const group = stocked();
    const year = 365 * 86_400_000;
    const old = recordSale(at(1), { cafe: 1 }, { stamp: stampAt(-year) });
    const ahead = recordSale(at(2), { cafe: 1 }, { stamp: stampAt(year) });
    const { outcomes } = group.write(arrivedOf([old, ahead]));
    expect(outcomes).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    // The outcome of the old one has been removed since. Its place in the log shows the repeat.
    group.stored.outcomes.delete(old.id);
    expect(group.write(arrivedOf([old])).outcomes).toMatchObject([{ status: 'expired' }]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 3 });
  });
});

describe('sale.void', () => {
  it('puts the units back, and keeps the sale with its receipt', () => {
    const group = stocked();
    const sale = recordSale(at(1), { cafe: 2 });
    group.write(arrivedOf([sale]));
    const { outcomes, saleVoids, sales } = group.write(arrivedOf([voided(2, sale.id)]));
    expect(outcomes).toMatchObject([{ status: 'done', result: { saleId: sale.id, branchId: BRANCH }, topic: 'sales' }]);
    expect(changeData['sale.voided'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    expect([sales, saleVoids]).toEqual([[], [{ saleId: sale.id, voidedAt: NOON, voidReason: 'wrong product' }]]);
    expect(levelsOf(group)).toEqual({ central: 20, [BRANCH]: 5 });
  });

  it('first takes back what is open as a discrepancy', () => {
    const group = stocked();
    const sale = recordSale(at(1), { cafe: 7 });
    group.write(arrivedOf([sale, voided(2, sale.id)]));
    expect(levelsOf(group)).toEqual({ central: 20, [BRANCH]: 5, [`${BRANCH}/discrepancy`]: 0 });
  });

  it('is refused for an unknown sale, one of another branch, and one that was voided, and is noted all the same', () => {
    const group = stocked();
    const sale = recordSale(at(1), { cafe: 1 });
    const others = recordSale({ branchId: 'sucursal-2', sequence: 1 }, { cafe: 1 });
    group.write(arrivedOf([sale, others]));
    const again = { ...voided(3, sale.id), id: sale.id.replace(/^./, 'f') };
    const { replies, entries } = group.write(
      arrivedOf([voided(2, sale.id), again, voided(4, saleOf(BRANCH, 'never made')), voided(5, others.id)]),
    );
    expect(replies).toMatchObject([
      { status: 'done' },
      { status: 'refused', result: { reason: 'sale-voided' } },
      { status: 'refused', result: { reason: 'sale-unknown' } },
      { status: 'refused', result: { reason: 'sale-unknown' } },
    ]);
    expect(entries.map(({ sequence }) => sequence)).toEqual([2, 3, 4, 5]);
  });
});

describe('sale.return', () => {
  it('makes units of an own sale spendable, and puts others into quarantine', () => {
    const group = stocked();
    const sale = recordSale(at(1), { cafe: 4 });
    const back = returned(2, sale.id, [
      { productId: 'cafe', quantity: 1 },
      { productId: 'cafe', quantity: 1 },
    ]);
    const elsewhere = returned(3, null, [{ productId: 'cafe', quantity: 3 }]);
    const { outcomes, saleReturns } = group.write(arrivedOf([sale, back, elsewhere]));
    expect(outcomes.slice(1)).toMatchObject([{ status: 'done' }, { status: 'done' }]);
    expect(changeData['sale.returned'].parse(outcomes[1]?.changeData)).toEqual(outcomes[1]?.changeData);
    expect(saleReturns).toMatchObject([{ saleId: sale.id }, { saleId: null }]);
    expect(levelsOf(group)).toEqual({ central: 20, [BRANCH]: 3, [`${BRANCH}/quarantine`]: 3 });
  });
});

describe('shift.close', () => {
  it('stores the count of the money and publishes the difference', () => {
    const shift = closeShift(at(1), { idempotencyKey: 'a' });
    const { outcomes, shifts } = stocked().write(arrivedOf([shift]));
    expect(outcomes).toMatchObject([
      {
        result: { shiftId: shift.id, branchId: BRANCH },
        changeType: 'shift.closed',
        changeData: { differenceCents: -10 },
      },
    ]);
    expect(changeData['shift.closed'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    expect(shifts).toMatchObject([{ shiftId: shift.id, countedCents: 890, expectedCents: 900 }]);
  });
});

it('a repeat of any entry changes nothing', () => {
  const group = stocked();
  const sale = recordSale(at(1), { cafe: 2 });
  const commands: Command[] = [
    sale,
    returned(2, sale.id, [{ productId: 'cafe', quantity: 1 }]),
    closeShift(at(3), { idempotencyKey: 'a' }),
    voided(4, sale.id),
  ];
  group.write(arrivedOf(commands));
  const { replies, outcomes, entries, holders, movements } = group.write(arrivedOf(commands));
  expect(replies).toMatchObject(commands.map(() => ({ status: 'done', repeated: true })));
  expect([outcomes, entries, holders, movements]).toEqual([[], [], [], []]);
});
