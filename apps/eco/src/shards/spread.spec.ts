import { bucketOf, evenPlacement } from '@eco/routing';
import { seededRandom, unicodeKey } from '@eco/testing';
import fc from 'fast-check';
import { chiSquareOf, chiSquareP } from './chi-square.js';
import { spreadOf, spreadOverGroups } from './spread.js';

describe('chiSquareP', () => {
  // Critical values as printed in the NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, upper tail.
  it.each([
    [1, 0.1, 2.706],
    [1, 0.05, 3.841],
    [1, 0.001, 10.828],
    [2, 0.05, 5.991],
    [3, 0.01, 11.345],
    [15, 0.1, 22.307],
    [15, 0.05, 24.996],
    [15, 0.001, 37.697],
    [31, 0.05, 44.985],
    [63, 0.01, 92.01],
    [100, 0.05, 124.342],
    [1, 0.95, 0.004],
    [15, 0.95, 7.261],
    [100, 0.99, 70.065],
  ])('with %i degrees of freedom is %p at %p', (degreesOfFreedom, p, critical) => {
    // The table rounds to three digits, so p is between these two.
    expect(chiSquareP(critical - 0.0005, degreesOfFreedom)).toBeGreaterThanOrEqual(p);
    expect(chiSquareP(critical + 0.0005, degreesOfFreedom)).toBeLessThanOrEqual(p);
  });

  it('equals the Poisson sum for even degrees of freedom', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 128 }),
        fc.double({ min: 1e-9, max: 900, noNaN: true }),
        (half, chiSquare) => {
          let term = Math.exp(-chiSquare / 2);
          let sum = term;
          for (let n = 1; n < half; n += 1) {
            term *= chiSquare / 2 / n;
            sum += term;
          }
          const p = chiSquareP(chiSquare, 2 * half);
          expect(Math.abs(p - sum)).toBeLessThanOrEqual(1e-12 + sum * 1e-9);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('falls from 1 to 0 as the chi-square grows, and rises with the degrees of freedom', () => {
    const chiSquare = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(chiSquare, chiSquare, fc.integer({ min: 1, max: 255 }), (a, b, degreesOfFreedom) => {
        const [low, high] = [
          chiSquareP(Math.max(a, b), degreesOfFreedom),
          chiSquareP(Math.min(a, b), degreesOfFreedom),
        ];
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(high + 1e-12);
        expect(chiSquareP(a, degreesOfFreedom)).toBeLessThanOrEqual(chiSquareP(a, degreesOfFreedom + 1) + 1e-12);
      }),
    );
    expect(chiSquareP(0, 15)).toBe(1);
    expect(chiSquareP(1e9, 15)).toBe(0);
    expect(chiSquareP(0, 0)).toBe(1);
  });

  it.each([
    [-1, 15],
    [NaN, 15],
    [1, -1],
    [1, 1.5],
  ])('refuses a chi-square of %p with %p degrees of freedom', (chiSquare, degreesOfFreedom) => {
    expect(() => chiSquareP(chiSquare, degreesOfFreedom)).toThrow(RangeError);
  });
});

describe('spreadOf', () => {
  it('compares each place with the ideal', () => {
    const spread = spreadOf([30, 20, 10]);
    expect(spread.places).toEqual([
      { keys: 30, ideal: 20, deviationPercent: 50 },
      { keys: 20, ideal: 20, deviationPercent: 0 },
      { keys: 10, ideal: 20, deviationPercent: -50 },
    ]);
    expect(spread).toMatchObject({ keys: 60, chiSquare: 10, degreesOfFreedom: 2, enoughKeys: true });
    expect(spread.p).toBeCloseTo(Math.exp(-5), 12);
    expect(chiSquareOf([30, 20, 10], [20, 20, 20])).toBe(10);
  });

  it('expects more keys of a larger place, and reports too few keys', () => {
    expect(spreadOf([30, 10], [3, 1])).toMatchObject({ chiSquare: 0, p: 1 });
    expect(spreadOf([3, 4])).toMatchObject({ enoughKeys: false });
    expect(() => spreadOf([0, 0])).toThrow(/no key/);
    expect(() => spreadOf([1, 2], [1])).toThrow(/2 places need as many weights/);
    expect(() => spreadOf([1, 2], [1, 0])).toThrow(/weights above 0/);
  });

  it('counts a group as large as its buckets', () => {
    const placement = evenPlacement(4, ['g1', 'g2', 'g3']);
    const spread = spreadOverGroups(placement, [10, 20, 30, 40]);
    expect(placement.owners).toEqual(['g1', 'g1', 'g2', 'g3']);
    expect(spread.places.map(({ keys, ideal }) => [keys, ideal])).toEqual([
      [30, 50],
      [30, 25],
      [40, 25],
    ]);
  });

  it('finds nothing uneven in bucketOf over keys of any Unicode, and a skewed bucket when there is one', () => {
    const random = seededRandom('spread');
    const counts = new Array<number>(256).fill(0);
    for (let key = 0; key < 50_000; key += 1) {
      const bucket = bucketOf(unicodeKey(random), 256);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    const p = spreadOf(counts).p;
    expect(p).toBeGreaterThan(0.001);
    expect(p).toBeLessThan(0.999);
    expect(spreadOf(counts.map((count, bucket) => (bucket === 7 ? count * 3 : count))).p).toBeLessThan(1e-9);
  });
});
