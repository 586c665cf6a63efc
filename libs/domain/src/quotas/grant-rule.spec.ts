import fc from 'fast-check';
import { grantOf, SMALL_POOL } from './grant-rule.js';

const units = fc.nat(1_000_000_000);

describe('grantOf', () => {
  it('grants at most what is available and at most what is asked', () => {
    fc.assert(
      fc.property(units, units, (available, asked) => {
        const granted = grantOf({ available, asked });
        expect(granted).toBeGreaterThanOrEqual(0);
        expect(granted).toBeLessThanOrEqual(Math.min(available, asked));
        expect(Number.isInteger(granted)).toBe(true);
      }),
    );
  });

  it('grants something whenever something is available and asked', () => {
    fc.assert(
      fc.property(units, units, (available, asked) => {
        expect(grantOf({ available, asked }) > 0).toBe(available > 0 && asked > 0);
      }),
    );
  });

  it('leaves half of a large pool', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2 * SMALL_POOL, max: 1_000_000_000 }), units, (available, asked) => {
        expect(available - grantOf({ available, asked })).toBeGreaterThanOrEqual(Math.floor(available / 2));
      }),
    );
  });

  it.each([
    [100, 80, 50],
    [101, 80, 51],
    [15, 20, 10],
    [7, 20, 7],
    [7, 3, 3],
    [0, 20, 0],
  ])('of %i available and %i asked: %i', (available, asked, granted) => {
    expect(grantOf({ available, asked })).toBe(granted);
  });
});
