import { compareStamps, stampMs } from '@eco/contracts';
import { HybridClock } from './hybrid-clock.js';

it('gives each stamp later than the one before, also when the wall clock stands still or runs back', () => {
  const times = [1000, 1000, 999, 5, 1001];
  const clock = new HybridClock('till-1', () => times.shift() ?? 2000);
  const stamps = Array.from({ length: 6 }, () => clock.next());
  expect([...stamps].sort(compareStamps)).toEqual(stamps);
  expect(new Set(stamps).size).toBe(6);
  expect(stamps.map(stampMs)).toEqual([1000, 1000, 1000, 1000, 1001, 2000]);
});
