import fc from 'fast-check';
import { changesCursorSchema, formatChangesCursor, lastCompleteSeq, type ChangesCursor } from './changes.js';

const cursors: fc.Arbitrary<ChangesCursor> = fc.record(
  {
    leadership: fc.record({
      term: fc.nat(1_000_000),
      tag: fc.oneof(
        fc.uuid(),
        fc.stringMatching(/^[0-9a-f]{8}$/),
        // Eight digits are a valid tag and also look like a number.
        fc.stringMatching(/^[0-9]{8}$/),
      ),
    }),
    seq: fc.maxSafeNat(),
    n: fc.nat(999_999_999),
  },
  { requiredKeys: ['seq'] },
);

describe('a cursor of changes', () => {
  it('is the same after a round trip through text', () => {
    fc.assert(
      fc.property(cursors, (cursor) => {
        expect(changesCursorSchema.parse(formatChangesCursor(cursor))).toEqual(cursor);
      }),
    );
  });

  it.each(['', '-1', '1.', '.1', '1.2.3', '1.1f0c5e9a.2.3.4', '99999999999999999', '1.9999999999', 'x'])(
    'is refused when it is %j',
    (text) => {
      expect(changesCursorSchema.safeParse(text).success).toBe(false);
    },
  );

  it('inside a batch has the previous batch completely', () => {
    expect([{ seq: 120 }, { seq: 120, n: 57 }].map(lastCompleteSeq)).toEqual([120, 119]);
  });
});
