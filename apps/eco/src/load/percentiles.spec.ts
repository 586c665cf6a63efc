import fc from 'fast-check';
import { latencyOf } from './percentiles.js';

describe('latencyOf', () => {
  it('uses the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(latencyOf(hundred)).toEqual({ count: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99, maxMs: 100 });
    expect(latencyOf([7])).toEqual({ count: 1, p50Ms: 7, p95Ms: 7, p99Ms: 7, maxMs: 7 });
    expect(latencyOf([])).toEqual({ count: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null });
  });

  it('is not below the requested share of the values, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (values) => {
        const { p95Ms } = latencyOf(values);
        const below = values.filter((value) => value <= (p95Ms ?? -1)).length;
        expect(below / values.length).toBeGreaterThanOrEqual(0.95);
        expect(values).toContain(p95Ms);
      }),
    );
  });
});
