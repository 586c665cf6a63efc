import fc from 'fast-check';
import { totalCentsOf } from './lines.js';
import { settle } from './payment.js';
import { receiptOf } from './receipt.js';
import { expectedCents, openedShift, withLateSale, withReturn, withSale, withVoid, type CountedSale } from './shift.js';

const sale: fc.Arbitrary<CountedSale> = fc
  .record({ totalCents: fc.integer({ min: 1, max: 1_000_000 }), cardPart: fc.integer({ min: 0, max: 100 }) })
  .map(({ totalCents, cardPart }) => {
    const amountCents = Math.floor((totalCents * cardPart) / 100);
    const settled = settle(totalCents, { cash: { moneyReceivedCents: 2_000_000 }, card: { amountCents } }, 50);
    if (settled.type !== 'paid') throw new Error(`unexpected ${settled.type}`);
    return { totalCents, payment: settled.payment };
  });
const event = fc.oneof(
  fc.record({ of: fc.constant('sale' as const), sale }),
  fc.record({ of: fc.constant('voided sale' as const), sale }),
  fc.record({
    of: fc.constant('return' as const),
    refundCents: fc.integer({ min: 0, max: 10_000 }),
    refund: fc.constantFrom('cash' as const, 'card' as const),
  }),
);

it('expects the cash that is in the drawer', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), fc.array(event), (openingCents, events) => {
      let drawer = openingCents;
      let figures = openedShift(openingCents);
      for (const each of events) {
        if (each.of === 'return') {
          figures = withReturn(figures, each);
          if (each.refund === 'cash') drawer -= each.refundCents;
        } else {
          figures = withSale(figures, each.sale);
          drawer += each.sale.payment.cashCents;
        }
        if (each.of === 'voided sale') {
          figures = withVoid(figures, each.sale);
          drawer -= each.sale.payment.cashCents;
        }
      }
      expect(expectedCents(figures)).toBe(drawer);
      const { totalCents, roundingCents, cashCents, cardCents, sales, voids, returns } = figures;
      expect(totalCents + roundingCents).toBe(cashCents + cardCents);
      expect([sales, voids, returns]).toEqual(
        ['sale', 'voided sale', 'return'].map((of) => events.filter((each) => each.of === of).length),
      );
    }),
  );
});

it('leaves the counted figures as they were when a sale is late', () => {
  fc.assert(
    fc.property(sale, sale, (first, late) => {
      const closed = withSale(openedShift(0), first);
      const { lateSales, lateCents, lateCashCents, ...rest } = withLateSale(closed, late);
      expect({ ...closed, ...rest }).toEqual(closed);
      expect([lateSales, lateCents, lateCashCents]).toEqual([1, late.totalCents, late.payment.cashCents]);
    }),
  );
});

it('puts lines, tax and marks on a receipt', () => {
  const lines = [
    { productId: 'pan', name: 'Pan', quantity: 2, unitPriceCents: 180, taxBasisPoints: 0 },
    { productId: 'cafe', name: 'Café', quantity: 1, unitPriceCents: 890, taxBasisPoints: 1600 },
  ];
  const payment = { cashCents: 1_250, cardCents: 0, changeCents: 750, roundingCents: 0 };
  const sold = {
    receiptNumber: 'A-s-1-1-1',
    branchId: 's',
    till: '1',
    soldAt: '2026-11-29T12:00:00.000Z',
    lines,
    payment,
  };
  const receipt = receiptOf({ ...sold, voidedAt: '2026-11-29T12:05:00.000Z' }, { isCopy: true });
  expect(receipt).toMatchObject({
    number: 'A-s-1-1-1',
    marks: ['void', 'copy'],
    totalCents: totalCentsOf(lines),
    taxCents: 123,
  });
  expect(receipt.lines.map(({ totalCents }) => totalCents)).toEqual([360, 890]);
  expect(receiptOf({ ...sold, voidedAt: null }, { isCopy: false }).marks).toEqual([]);
});
