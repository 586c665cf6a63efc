import fc from 'fast-check';
import { backOffMs, doubledMs, pauseAfter, shuffled } from './back-off.js';

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('doubledMs', () => {
  it('doubles with each failure up to its cap', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 10_000].map((failures) => doubledMs(failures, { firstMs: 50, capMs: 500 }));
    expect(pauses).toEqual([50, 50, 100, 200, 400, 500, 500]);
  });
});

describe('backOffMs', () => {
  it('is drawn from the upper half', () => {
    fc.assert(
      fc.property(fc.nat(60), fraction, (failures, random) => {
        const fullMs = Math.min(2000, 100 * 2 ** Math.max(0, failures - 1));
        const pauseMs = backOffMs(failures, { firstMs: 100, capMs: 2000 }, () => random);
        expect(pauseMs).toBeGreaterThanOrEqual(fullMs / 2);
        expect(pauseMs).toBeLessThanOrEqual(fullMs);
      }),
    );
  });
});

describe('shuffled', () => {
  it('keeps every item once and does not change its input', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.array(fraction), (items, fractions) => {
        const before = [...items];
        let turn = 0;
        const result = shuffled(items, () => fractions[turn++ % Math.max(1, fractions.length)] ?? 0);
        expect([...result].sort()).toEqual([...items].sort());
        expect(items).toEqual(before);
      }),
    );
  });
});

it('a wait of 10 s takes fewer than 30 looks, and an answer is noticed within a quarter of the wait or a second', () => {
  let waitedMs = 0;
  let looks = 1;
  while (waitedMs < 10_000) {
    const pauseMs = pauseAfter(waitedMs, 25);
    expect(pauseMs).toBeLessThanOrEqual(Math.min(Math.max(25, waitedMs / 4), 1_000));
    waitedMs += pauseMs;
    looks += 1;
  }
  expect(looks).toBeLessThan(30);
});
