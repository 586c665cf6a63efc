import fc from 'fast-check';
import { nextStamp, stampMs, stampSchema, type Stamp } from './stamp.js';

const NOW_MS = Date.UTC(2026, 10, 24, 12);

describe('nextStamp', () => {
  it('rises whatever the clock does, and stays valid', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10_000, max: 10_000 }), { maxLength: 50 }), (offsets) => {
        let previous: Stamp | undefined;
        for (const offset of offsets) {
          const stamp = nextStamp(previous, NOW_MS + offset, 'till-1');
          expect(stampSchema.safeParse(stamp).success).toBe(true);
          if (previous !== undefined) expect(previous < stamp).toBe(true);
          expect(stampMs(stamp)).toBeGreaterThanOrEqual(NOW_MS + offset);
          previous = stamp;
        }
      }),
    );
  });

  it('contains the time of its creation while the clock runs', () => {
    expect(nextStamp(undefined, NOW_MS, 'till-1')).toBe('001795521600000-00000-till-1');
    expect(nextStamp('001795521600000-00007-till-1', NOW_MS + 1, 'till-1')).toBe('001795521600001-00000-till-1');
  });

  it('counts while the clock stops, and continues when the counter is used up', () => {
    expect(nextStamp('001795521600000-00007-till-1', NOW_MS, 'till-1')).toBe('001795521600000-00008-till-1');
    expect(nextStamp('001795521600000-99999-till-1', NOW_MS, 'till-1')).toBe('001795521600001-00000-till-1');
  });
});

describe('the text order of stamps', () => {
  it('is by time, then counter, then sender, as bytes are ordered by PostgreSQL', () => {
    const parts = fc.record({
      ms: fc.integer({ min: 0, max: 3 }),
      counter: fc.integer({ min: 0, max: 3 }),
      sender: fc.constantFrom('a', 'B', 'a-1'),
    });
    const stamp = ({ ms, counter, sender }: { ms: number; counter: number; sender: string }) =>
      `${String(ms).padStart(15, '0')}-${String(counter).padStart(5, '0')}-${sender}`;
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const bySender = Buffer.compare(Buffer.from(a.sender), Buffer.from(b.sender));
        const order = a.ms - b.ms || a.counter - b.counter || bySender;
        expect([stamp(a) < stamp(b), stamp(a) === stamp(b)]).toEqual([order < 0, order === 0]);
      }),
    );
  });
});
