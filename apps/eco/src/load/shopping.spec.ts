import fc from 'fast-check';
import { Shopping } from './shopping.js';

const options = { seed: 7, run: 'r', customers: 10, products: 5, hotShare: 0.5 };
const take = (shopping: Shopping, count: number) => Array.from({ length: count }, () => shopping.next());

describe('Shopping', () => {
  it('buys the same with the same seed, and something else with another', () => {
    expect(take(new Shopping(options), 50)).toEqual(take(new Shopping(options), 50));
    expect(take(new Shopping({ ...options, seed: 8 }), 50)).not.toEqual(take(new Shopping(options), 50));
  });

  it('never names a product twice in an order, and only products of the run', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 6 }), (seed, products) => {
        const shopping = new Shopping({ ...options, seed, products });
        for (const { lines } of take(shopping, 30)) {
          const ids = lines.map((line) => line.productId);
          expect(new Set(ids).size).toBe(ids.length);
          expect(shopping.productIds).toEqual(expect.arrayContaining(ids));
        }
      }),
    );
  });

  it('buys only the hot product in the requested share of orders', () => {
    const hot = take(new Shopping(options), 2000).filter(({ lines }) => lines.length === 1).length;
    expect(hot / 2000).toBeGreaterThan(0.45);
    expect(hot / 2000).toBeLessThan(0.55);
  });
});
