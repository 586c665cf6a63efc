import fc from 'fast-check';
import { PrimaryBudget, type PrimaryBudgetLimits } from './primary-budget.js';

/** Sends reads at these times, ms, all of which would use the primary. Returns how many were allowed to. */
function granted(limits: PrimaryBudgetLimits, timesMs: readonly number[]): number {
  const budget = new PrimaryBudget(limits, 0);
  let taken = 0;
  for (const nowMs of timesMs) {
    budget.read();
    if (!budget.allows(nowMs)) continue;
    budget.take();
    taken += 1;
  }
  return taken;
}

describe('the primary takes over reads', () => {
  it('all of them while they are few', () => {
    const once = Array.from({ length: 1_000 }, (_, index) => index * 20);
    expect(granted({ primarySharePercent: 20, primaryReadsPerSecond: 100 }, once)).toBe(1_000);
  });

  it('its share of a storm, and the fixed number a second', () => {
    const storm = Array.from({ length: 100_000 }, (_, index) => index / 10);
    const taken = granted({ primarySharePercent: 20, primaryReadsPerSecond: 100 }, storm);
    expect(taken).toBeGreaterThan(20_000);
    expect(taken).toBeLessThan(22_000);
  });

  it('none beyond the first when nothing is allowed', () => {
    const storm = Array.from({ length: 1_000 }, (_, index) => index);
    expect(granted({ primarySharePercent: 0, primaryReadsPerSecond: 0 }, storm)).toBe(1);
  });

  it('never more than the share, the fixed number and one stored second of it, whenever the reads arrive', () => {
    const limits = fc.record({
      primarySharePercent: fc.integer({ min: 0, max: 100 }),
      primaryReadsPerSecond: fc.integer({ min: 0, max: 50 }),
    });
    fc.assert(
      fc.property(limits, fc.array(fc.nat(50), { minLength: 1, maxLength: 300 }), (chosen, gapsMs) => {
        let nowMs = 0;
        const timesMs = gapsMs.map((gapMs) => (nowMs += gapMs));
        const { primarySharePercent, primaryReadsPerSecond } = chosen;
        const most =
          (timesMs.length * primarySharePercent) / 100 +
          (nowMs / 1000) * primaryReadsPerSecond +
          Math.max(1, primaryReadsPerSecond);
        expect(granted(chosen, timesMs)).toBeLessThanOrEqual(most + 1e-6);
      }),
    );
  });
});
