import fc from 'fast-check';
import {
  applied,
  bookCount,
  bookGiveBack,
  bookReturn,
  bookSale,
  bookSettlement,
  bookVoid,
  bookWriteOff,
  EMPTY_ACCOUNT,
  type Account,
} from './account.js';

const units = fc.nat(20);
const quantity = fc.integer({ min: 1, max: 30 });
const anAccount = fc.record({ level: units, quarantine: units, writtenOff: units, discrepancy: units });
const unitsIn = ({ level, quarantine, writtenOff }: Account) => level + quarantine + writtenOff;
const with_ = (fields: Partial<Account>): Account => ({ ...EMPTY_ACCOUNT, ...fields });

describe('the account of a holder at its home', () => {
  it('books a sale from the level, then from written-off units, and the rest as a discrepancy', () => {
    const account = with_({ level: 3, writtenOff: 2 });
    expect(bookSale(account, 2).deltas).toEqual({ level: -2, writtenOff: 0, discrepancy: 0 });
    expect(bookSale(account, 4).deltas).toEqual({ level: -3, writtenOff: -1, discrepancy: 0 });
    expect(bookSale(account, 9).deltas).toEqual({ level: -3, writtenOff: -2, discrepancy: 4 });
  });

  it('books the units of a void against an open discrepancy first', () => {
    expect(bookVoid(with_({ discrepancy: 1 }), 3).deltas).toEqual({ discrepancy: -1, level: 2 });
  });

  it('keeps returned units of other holders apart', () => {
    expect(bookReturn(2, true).deltas).toEqual({ level: 2 });
    expect(bookReturn(2, false).deltas).toEqual({ quarantine: 2 });
  });

  it('takes back units that the holder had sent before it learned of a write-off', () => {
    const account = with_({ level: 1, writtenOff: 4 });
    expect(bookGiveBack(account, 3)).toEqual({ type: 'booked', deltas: { level: -1, writtenOff: -2 } });
    expect(bookGiveBack(account, 6)).toEqual({ type: 'too-few', asked: 6, found: 5 });
  });

  it('writes off and settles no more than there is', () => {
    expect(bookWriteOff(with_({ level: 2 }), 2)).toMatchObject({ deltas: { level: -2, writtenOff: 2 } });
    expect(bookWriteOff(with_({ level: 2 }), 3)).toEqual({ type: 'too-few', asked: 3, found: 2 });
    expect(bookSettlement(with_({ discrepancy: 2 }), 1)).toMatchObject({ deltas: { discrepancy: -1 } });
    expect(bookSettlement(with_({ discrepancy: 2 }), 3)).toEqual({ type: 'too-few', asked: 3, found: 2 });
  });

  it.each([
    ['finds what was recorded', { level: 5 }, 5, 5, { level: 5 }],
    ['finds fewer', { level: 5 }, 5, 3, { level: 3 }],
    ['finds idle units', { level: 5 }, 3, 5, { level: 5 }],
    ['finds units that were written off', { level: 1, writtenOff: 4 }, 1, 6, { level: 6 }],
    // The holder will learn of the write-off of 5 and then have 4 itself.
    ['comes before the holder learns of a write-off', { level: 5, writtenOff: 5 }, 10, 9, { level: 4, writtenOff: 5 }],
    ['misses units that were written off', { writtenOff: 5 }, 5, 2, { writtenOff: 2 }],
    ['misses units that no record showed', { level: 1 }, 5, 2, { discrepancy: 2 }],
    ['explains a discrepancy', { level: 2, discrepancy: 7 }, 2, 2, { level: 2 }],
  ])('counts: a count that %s', (_what, before, expected, counted, after) => {
    const account = with_(before);
    expect(applied(account, bookCount(account, expected, counted).deltas)).toEqual(with_(after));
  });

  it('has never fewer than 0 units at a place', () => {
    fc.assert(
      fc.property(anAccount, quantity, units, (account, asked, counted) => {
        const bookings = [
          bookSale(account, asked),
          bookVoid(account, asked),
          bookGiveBack(account, asked),
          bookWriteOff(account, asked),
          bookSettlement(account, asked),
          bookCount(account, asked, counted),
        ];
        for (const booking of bookings) {
          if (booking.type !== 'booked') continue;
          const { level, quarantine, writtenOff, discrepancy } = applied(account, booking.deltas);
          expect(Math.min(level, quarantine, writtenOff, discrepancy)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('conserves units: those of a sale and of its void are at a place, or open as a discrepancy', () => {
    fc.assert(
      fc.property(anAccount, quantity, (account, sold) => {
        const after = applied(account, bookSale(account, sold).deltas);
        expect(unitsIn(after) - after.discrepancy).toBe(unitsIn(account) - account.discrepancy - sold);
        const voided = applied(after, bookVoid(after, sold).deltas);
        expect(unitsIn(voided) - voided.discrepancy).toBe(unitsIn(account) - account.discrepancy);
      }),
    );
  });
});
