import fc from 'fast-check';
import { stampReader } from './stamp-reader.js';

describe('stampReader', () => {
  it('reads the time in the stamp after any earlier second', () => {
    const ms = fc.oneof(fc.integer({ min: 0, max: 253_402_300_799_999 }), fc.integer({ min: 0, max: 5000 }));
    fc.assert(
      fc.property(fc.array(ms, { minLength: 1 }), (times) => {
        const madeAt = stampReader();
        for (const time of times) {
          expect(madeAt(`${String(time).padStart(15, '0')}-00000-a`)).toBe(new Date(time).toISOString());
        }
      }),
    );
  });
});
