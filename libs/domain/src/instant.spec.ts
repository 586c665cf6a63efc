import fc from 'fast-check';
import { isBefore } from './instant.js';

describe('isBefore', () => {
  it.each([
    ['2026-11-24T12:00:00.000Z', '2026-11-24T12:00:00Z'],
    ['2026-11-24T12:00Z', '2026-11-24T12:00:00.000000Z'],
    ['2026-11-24T12:00:00.1234Z', '2026-11-24T12:00:00.123400Z'],
  ])('%s is the same instant as %s', (a, b) => {
    expect([isBefore(a, b), isBefore(b, a)]).toEqual([false, false]);
  });

  it('compares every digit, whatever the precision of either', () => {
    const nanoseconds = fc.integer({ min: 0, max: 1e6 });
    const written = (digits: number, of: number) => `2026-11-24T12:00:00.${String(of).padStart(digits, '0')}Z`;
    fc.assert(
      fc.property(nanoseconds, nanoseconds, fc.nat(3), (a, b, zeros) => {
        const [left, right] = [written(9, a), `${written(9, b).slice(0, -1)}${'0'.repeat(zeros)}Z`];
        expect(isBefore(left, right)).toBe(a < b);
      }),
    );
  });
});
