import fc from 'fast-check';
import type { SaleLine } from '@eco/contracts';
import { totalCentsOf } from './lines.js';
import { cashRoundingCents, COINS, refundCentsOf, settle, type Tender } from './payment.js';
import { includedTaxCents, taxCentsOf, taxesOf } from './tax.js';

const cents = fc.integer({ min: 0, max: 100_000_000 });
const rate = fc.constantFrom(0, 800, 1600, 700, 1, 10_000, 2_550);
const line: fc.Arbitrary<SaleLine> = fc.record({
  productId: fc.constantFrom('a', 'b', 'c'),
  name: fc.constant('Pan'),
  quantity: fc.integer({ min: 1, max: 10_000 }),
  unitPriceCents: cents,
  taxBasisPoints: rate,
});
const lines = fc.array(line, { minLength: 1, maxLength: 200 });
const coin = fc.constantFrom(...COINS);

describe('included tax', () => {
  it.each([
    [11_600, 1600, 1_600],
    [890, 1600, 123],
    [890, 0, 0],
    [1, 1600, 0],
    [4, 1600, 1],
    [3, 2000, 1],
    [200_000_000_000_000, 1600, 27_586_206_896_552],
  ])('%i cents at %i basis points include %i', (total, basisPoints, tax) => {
    expect(includedTaxCents(total, basisPoints)).toBe(tax);
  });

  it('is the tax of the net amount, to half a cent', () => {
    fc.assert(
      fc.property(cents, rate, (total, basisPoints) => {
        const tax = includedTaxCents(total, basisPoints);
        expect(2 * Math.abs(tax * (10_000 + basisPoints) - total * basisPoints)).toBeLessThanOrEqual(
          10_000 + basisPoints,
        );
      }),
    );
  });

  it('has exact sums: the rates make up the total, and net and tax make up each rate', () => {
    fc.assert(
      fc.property(lines, (all) => {
        const taxes = taxesOf(all);
        expect(taxes.reduce((sum, { totalCents }) => sum + totalCents, 0)).toBe(totalCentsOf(all));
        for (const { totalCents, netCents, taxCents } of taxes) expect(netCents + taxCents).toBe(totalCents);
        const net = taxes.reduce((sum, { netCents }) => sum + netCents, 0);
        expect(net + taxCentsOf(taxes)).toBe(totalCentsOf(all));
        const rates = taxes.map(({ taxBasisPoints }) => taxBasisPoints);
        expect(rates).toEqual([...new Set(all.map(({ taxBasisPoints }) => taxBasisPoints))].sort((a, b) => a - b));
      }),
    );
  });

  it('rounds once for each rate', () => {
    fc.assert(
      fc.property(lines, (all) => {
        for (const { totalCents, taxBasisPoints, taxCents } of taxesOf(all)) {
          expect(taxCents).toBe(includedTaxCents(totalCents, taxBasisPoints));
        }
      }),
    );
  });

  it('does not depend on the order of the lines', () => {
    fc.assert(
      fc.property(lines, (all) => {
        expect(taxesOf([...all].reverse())).toEqual(taxesOf(all));
      }),
    );
  });
});

describe('cash rounding', () => {
  it.each([
    [1_024, 0, 0],
    [1_024, 5, 1],
    [1_022, 5, -2],
    [1_025, 10, -5],
    [1_026, 10, 4],
    [1_025, 50, -25],
    [1_030, 50, 20],
    [24, 50, -24],
    [100, 100, 0],
  ] as const)('changes %i with a smallest coin of %i by %i', (amount, smallest, change) => {
    expect(cashRoundingCents(amount, smallest)).toBe(change);
  });

  it('gives a multiple of the coin, at most half a coin away', () => {
    fc.assert(
      fc.property(cents, coin, (amount, smallest) => {
        const change = cashRoundingCents(amount, smallest);
        if (smallest === 0) expect(change).toBe(0);
        else {
          expect((amount + change) % smallest).toBe(0);
          expect(2 * Math.abs(change)).toBeLessThanOrEqual(smallest);
          expect(amount + change).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('of a refund never gives the customer less than that of a sale took', () => {
    fc.assert(
      fc.property(cents, coin, (amount, smallest) => {
        const refund = refundCentsOf(amount, 'cash', smallest);
        if (smallest > 0) expect(refund % smallest).toBe(0);
        expect(refund).toBeGreaterThanOrEqual(amount + cashRoundingCents(amount, smallest));
        expect(refundCentsOf(amount, 'card', smallest)).toBe(amount);
      }),
    );
  });
});

describe('payment', () => {
  const tender: fc.Arbitrary<Tender> = fc
    .record({
      cash: fc.option(fc.record({ moneyReceivedCents: cents }), { nil: undefined }),
      card: fc.option(fc.record({ amountCents: fc.option(cents, { nil: undefined }) }), { nil: undefined }),
    })
    .filter(({ cash, card }) => cash !== undefined || card !== undefined);

  it('is exact: value and rounding are what cash and card pay, and change is what is too much', () => {
    fc.assert(
      fc.property(cents, tender, coin, (total, given, smallest) => {
        const settled = settle(total, given, smallest);
        if (settled.type !== 'paid') return;
        const { cashCents, cardCents, changeCents, roundingCents } = settled.payment;
        expect(total + roundingCents).toBe(cashCents + cardCents);
        expect(cashCents + changeCents).toBe(given.cash?.moneyReceivedCents ?? 0);
        for (const amount of [cashCents, cardCents, changeCents]) expect(amount).toBeGreaterThanOrEqual(0);
        if (given.cash === undefined) expect(roundingCents).toBe(0);
        else if (smallest > 0) expect(cashCents % smallest).toBe(0);
      }),
    );
  });

  it('is refused exactly if too little money was given, or too much is to be paid by card', () => {
    fc.assert(
      fc.property(cents, cents, cents, coin, (total, received, card, smallest) => {
        const settled = settle(
          total,
          { cash: { moneyReceivedCents: received }, card: { amountCents: card } },
          smallest,
        );
        if (card > total) expect(settled.type).toBe('card-exceeds-total');
        else {
          const due = total - card + cashRoundingCents(total - card, smallest);
          expect(settled.type).toBe(received < due ? 'too-little' : 'paid');
        }
      }),
    );
  });

  it.each<[string, number, Tender, unknown]>([
    [
      'cash',
      1_024,
      { cash: { moneyReceivedCents: 2_000 } },
      { cashCents: 1_000, cardCents: 0, changeCents: 1_000, roundingCents: -24 },
    ],
    ['card', 1_024, { card: {} }, { cashCents: 0, cardCents: 1_024, changeCents: 0, roundingCents: 0 }],
    [
      'both',
      1_024,
      { cash: { moneyReceivedCents: 500 }, card: { amountCents: 524 } },
      { cashCents: 500, cardCents: 524, changeCents: 0, roundingCents: 0 },
    ],
  ])('by %s is split and rounded to 50', (_, total, given, payment) => {
    expect(settle(total, given, 50)).toEqual({ type: 'paid', payment });
  });

  it('by card needs the whole amount', () => {
    expect(settle(1_024, { card: { amountCents: 1_000 } }, 50)).toEqual({
      type: 'too-little',
      dueCents: 24,
      receivedCents: 0,
    });
  });
});
