import fc from 'fast-check';
import {
  compareBatchPositions,
  formatPosition,
  NO_POSITION,
  parsePosition,
  positionIn,
  positionOf,
  POSITION_TEXT_MAX,
  type GroupPosition,
  type Position,
} from './position.js';

const tag = fc.oneof(
  fc.uuid(),
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 8, maxLength: 36 }).map((digits) => digits.join('')),
);
const entryFrom = (term: fc.Arbitrary<number>, seq: fc.Arbitrary<number>, anyTag: fc.Arbitrary<string>) =>
  fc.record({ group: fc.constantFrom('g1', 'g2', 'g10', 'North_1'), term, tag: anyTag, seq });
const anyEntry = entryFrom(fc.maxSafeNat(), fc.maxSafeNat(), tag);
// Entries have few values, so that terms, seqs and tags often meet.
const closeEntry = entryFrom(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom('aaaaaaaa', 'bbbbbbbb'),
);
const positionFrom = (entry: fc.Arbitrary<GroupPosition>) =>
  fc
    .tuple(fc.array(entry, { maxLength: 6 }), fc.array(fc.uuid(), { maxLength: 4 }))
    .map(([groups, orders]) => positionOf(groups, orders));
const close = positionFrom(closeEntry);

const ORDER = '018bcfe5-687b-7000-8000-000000000000';
const read = (text: string): Position => {
  const parsed = parsePosition(text);
  if (!parsed.ok) throw new Error(parsed.violations.join('; '));
  return parsed.position;
};
const violationsOf = (text: string): readonly string[] => {
  const parsed = parsePosition(text);
  return parsed.ok ? [] : parsed.violations;
};

describe('the text of a position', () => {
  it('survives a round trip', () => {
    fc.assert(
      fc.property(positionFrom(anyEntry), (position) => {
        expect(read(formatPosition(position))).toEqual(position);
      }),
    );
  });

  it('is a list of groups, with the orders that are not stored yet', () => {
    const text = `g1=7.1f0c5e9a.1234, g2=3.c0ffee00.88, order/${ORDER}`;
    expect(read(text)).toEqual({
      groups: [
        { group: 'g1', term: 7, tag: '1f0c5e9a', seq: 1234 },
        { group: 'g2', term: 3, tag: 'c0ffee00', seq: 88 },
      ],
      orders: [ORDER],
    });
    expect(formatPosition(read(text))).toBe(text);
    expect(formatPosition(read(`order/${ORDER.toUpperCase()},g2=3.c0ffee00.88 ,, g1=7.1f0c5e9a.1234`))).toBe(text);
  });

  it('may be empty, or name a group twice: the farther position counts', () => {
    expect(read('')).toEqual(NO_POSITION);
    expect(read(' , ')).toEqual(NO_POSITION);
    expect(formatPosition(NO_POSITION)).toBe('');
    expect(formatPosition(read('g1=2.aaaaaaaa.5, g1=1.bbbbbbbb.9'))).toBe('g1=2.aaaaaaaa.5');
  });

  it('is refused with every violation named', () => {
    expect(violationsOf('g1=7.1f0c5e9a, g1=7.1f0c5e9a.1.2, hello, order/12, g.1=x.YY.-1, g2=3.c0ffee00.88')).toEqual([
      '"g1=7.1f0c5e9a": neither <group>=<term>.<tag>.<seq> nor order/<id>',
      '"g1=7.1f0c5e9a.1.2": neither <group>=<term>.<tag>.<seq> nor order/<id>',
      '"hello": neither <group>=<term>.<tag>.<seq> nor order/<id>',
      '"order/12": not a UUID after order/',
      '"g.1=x.YY.-1": not a group id before =',
      '"g.1=x.YY.-1": the term is not a whole number',
      '"g.1=x.YY.-1": the tag is not 8 to 36 hexadecimal digits',
      '"g.1=x.YY.-1": the seq is not a whole number',
    ]);
    expect(violationsOf('g1=9007199254740992.1f0c5e9a.1')).toEqual([
      '"g1=9007199254740992.1f0c5e9a.1": the term is not a whole number',
    ]);
    expect(violationsOf('g1=01.1f0c5e9a.1e3')).toHaveLength(2);
    expect(violationsOf('x'.repeat(POSITION_TEXT_MAX))[0]?.length).toBeLessThan(200);
    expect(violationsOf('x'.repeat(POSITION_TEXT_MAX + 1))).toEqual(['longer than 4096 characters']);
  });

  it('never makes parsing throw', () => {
    const pieces = fc.constantFrom('g1', '=', '.', ',', ' ', 'order/', ORDER, '7', '1f0c5e9a', 'é', '\u0000');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(pieces).map((some) => some.join('')),
        ),
        (text) => {
          const parsed = parsePosition(text);
          if (parsed.ok) expect(read(formatPosition(parsed.position))).toEqual(parsed.position);
          else expect(parsed.violations.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

/** Merges positions as a reader does, so that its position never runs back. */
const merge = (a: Position, b: Position) => positionOf([...a.groups, ...b.groups], [...a.orders, ...b.orders]);

describe('a position merged from others', () => {
  it('does not depend on order, grouping or repetition', () => {
    fc.assert(
      fc.property(close, close, close, (a, b, c) => {
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(a, a)).toEqual(a);
        expect(merge(a, NO_POSITION)).toEqual(a);
      }),
    );
  });

  it('never runs back, and neither loses nor adds anything', () => {
    fc.assert(
      fc.property(close, close, (a, b) => {
        const merged = merge(a, b);
        for (const entry of [...a.groups, ...b.groups]) {
          const after = positionIn(merged, entry.group);
          expect(after && compareBatchPositions(after, entry)).toBeGreaterThanOrEqual(0);
        }
        for (const entry of merged.groups) {
          expect([...a.groups, ...b.groups]).toContainEqual(entry);
        }
        expect(new Set(merged.orders)).toEqual(new Set([...a.orders, ...b.orders]));
      }),
    );
  });
});

describe('compareBatchPositions', () => {
  it('compares by term, then seq', () => {
    const at = (term: number, seq: number, letter = 'a') => ({ term, seq, tag: letter.repeat(8) });
    expect(compareBatchPositions(at(2, 1), at(1, 9))).toBeGreaterThan(0);
    expect(compareBatchPositions(at(2, 1), at(2, 9))).toBeLessThan(0);
    expect(compareBatchPositions(at(2, 1), at(2, 1))).toBe(0);
    expect(compareBatchPositions(at(2, 1, 'b'), at(2, 1, 'a'))).toBeGreaterThan(0);
  });

  it('orders any two, and is transitive for any three', () => {
    fc.assert(
      fc.property(closeEntry, closeEntry, closeEntry, (a, b, c) => {
        expect(Math.sign(compareBatchPositions(a, b)) + Math.sign(compareBatchPositions(b, a))).toBe(0);
        if (compareBatchPositions(a, b) <= 0 && compareBatchPositions(b, c) <= 0) {
          expect(compareBatchPositions(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });
});
