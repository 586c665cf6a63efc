import fc from 'fast-check';
import { CLOCK_SKEW_MS_MAX, stampMs, stampOf, stampSchema, type Stamp } from '@eco/contracts';
import { HybridClock } from './hybrid-clock.js';

const GROUP_MS = Date.UTC(2026, 10, 24, 12);

it('makes each stamp later than the one before, even if the wall clock stops or runs back', () => {
  const times = [1000, 1000, 999, 5, 1001];
  const clock = new HybridClock('till-1', () => times.shift() ?? 2000);
  const stamps = Array.from({ length: 6 }, () => clock.next(undefined));
  expect([...stamps].sort()).toEqual(stamps);
  expect(new Set(stamps).size).toBe(6);
  expect(stamps.map(stampMs)).toEqual([1000, 1000, 1000, 1000, 1001, 2000]);
});

it('never makes a stamp of another process of the same name, however long the name', () => {
  const names = ['sucursal-api', 'x'.repeat(64)];
  for (const name of names) {
    const [one, other] = [new HybridClock(name, () => 1000), new HybridClock(name, () => 1000)];
    const stamps = [one.next(undefined), other.next(undefined)];
    expect(stamps[0]).not.toBe(stamps[1]);
    for (const stamp of stamps) expect(stampSchema.parse(stamp)).toBe(stamp);
  }
});

it('is later than every plausible stamp that a client sends', () => {
  const clock = new HybridClock('central-2', () => GROUP_MS);
  const seen = stampOf(GROUP_MS + 900, 7, 'central-1');
  clock.merge(seen, GROUP_MS);
  const next = clock.next(GROUP_MS);
  expect(next > seen).toBe(true);
  expect(stampMs(next)).toBe(GROUP_MS + 900);
});

it.each([
  ['that is minutes ahead', 15 * 60_000],
  ['that is minutes behind', -15 * 60_000],
])('follows the group with a clock %s, and stays at most a second ahead', (_what, offMs) => {
  const clock = new HybridClock('central-1', () => GROUP_MS + offMs);
  clock.merge(stampOf(Date.UTC(2099, 0, 1), 0, 'stranger'), GROUP_MS);
  const stamp = clock.next(GROUP_MS);
  expect(stampMs(stamp)).toBeGreaterThanOrEqual(GROUP_MS);
  expect(stampMs(stamp)).toBeLessThanOrEqual(GROUP_MS + CLOCK_SKEW_MS_MAX);
});

it('uses its own clock while no group is seen, and never goes behind earlier stamps', () => {
  let ownMs = GROUP_MS;
  const clock = new HybridClock('central-1', () => ownMs);
  clock.merge(stampOf(GROUP_MS + 500, 0, 'central-2'), GROUP_MS);
  ownMs -= 60_000;
  const alone = clock.next(undefined);
  expect(stampMs(alone)).toBe(GROUP_MS + 500);
  ownMs += 120_000;
  expect(stampMs(clock.next(undefined))).toBe(ownMs);
});

it('continues after the stamps that its predecessor left in the journal', () => {
  const before = new HybridClock('central-1', () => GROUP_MS + 60_000).next(undefined);
  const clock = new HybridClock('central-1', () => GROUP_MS);
  clock.resume(before);
  expect(clock.next(GROUP_MS) > before).toBe(true);
});

it('a stamp is later than every stamp that its sender saw, with any clock and any path of stamps', () => {
  const step = fc.record({ who: fc.nat(2), from: fc.nat(2), passMs: fc.nat(400) });
  const skews = fc.tuple(...[0, 1, 2].map(() => fc.integer({ min: -600_000, max: 600_000 })));
  fc.assert(
    fc.property(skews, fc.array(step, { maxLength: 30 }), (skewsMs, steps) => {
      let nowMs = GROUP_MS;
      const clocks = skewsMs.map((skewMs, n) => new HybridClock(`central-${n}`, () => nowMs + skewMs));
      const last: (Stamp | undefined)[] = [undefined, undefined, undefined];
      for (const { who, from, passMs } of steps) {
        nowMs += passMs;
        const clock = clocks[who] as HybridClock;
        const seen = last[from];
        if (seen !== undefined) clock.merge(seen, nowMs);
        const stamp = clock.next(nowMs);
        for (const earlier of [seen, last[who]]) if (earlier !== undefined) expect(stamp > earlier).toBe(true);
        // The stamp is bounded by the group's clock, and beyond that only by the counter.
        expect(stampMs(stamp)).toBeLessThanOrEqual(nowMs + CLOCK_SKEW_MS_MAX);
        last[who] = stamp;
      }
    }),
  );
});
