import fc from 'fast-check';
import { addGroup, bucketsOf, evenPlacement, groupOf, isGroupId, placementOf, type Placement } from './placement.js';

const groupIdsOf = (groups: number) => Array.from({ length: groups }, (_, index) => `g${index + 1}`);

const bucketCount = fc.integer({ min: 0, max: 8 }).map((exponent) => 2 ** exponent);

const anyPlacement = bucketCount.chain((buckets) =>
  fc
    .integer({ min: 1, max: buckets })
    .chain((groups) =>
      fc
        .array(fc.constantFrom(...groupIdsOf(groups)), { minLength: buckets, maxLength: buckets })
        .map((owners) => placementOf(groupIdsOf(groups), owners)),
    ),
);

const unevenness = (placement: Placement) => {
  const sizes = placement.groups.map((group) => bucketsOf(placement, group).length);
  return Math.max(...sizes) - Math.min(...sizes);
};

/** The owners of the buckets that change hands, in the order of the buckets. */
const newOwners = (before: Placement, after: Placement) =>
  after.owners.filter((owner, bucket) => owner !== before.owners[bucket]);

describe('evenPlacement', () => {
  it('gives each bucket one owner and no group two buckets more than another', () => {
    fc.assert(
      fc.property(bucketCount, fc.nat(), (buckets, size) => {
        const groups = groupIdsOf(1 + (size % buckets));
        const placement = evenPlacement(buckets, groups);
        expect(placement.owners).toHaveLength(buckets);
        expect(placement.groups).toEqual(groups);
        expect(groups.flatMap((group) => bucketsOf(placement, group)).sort((a, b) => a - b)).toEqual([
          ...Array(buckets).keys(),
        ]);
        expect(unevenness(placement)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('places a cluster that starts with n groups like one that grew to n', () => {
    expect(evenPlacement(16, ['g1', 'g2', 'g3'])).toEqual(addGroup(evenPlacement(16, ['g1', 'g2']), 'g3'));
  });

  it('names the reason of each refusal', () => {
    expect(() => evenPlacement(12, ['g1'])).toThrow(/power of two from 1 to 256, not 12/);
    expect(() => evenPlacement(16, [])).toThrow(/at least one group/);
    expect(() => evenPlacement(2, ['a', 'b', 'c'])).toThrow("2 buckets can't be placed on 3 groups");
    expect(() => evenPlacement(4, ['a', 'a'])).toThrow('the group a is named twice');
    expect(() => evenPlacement(4, ['a.b'])).toThrow('not a group id: "a.b"');
    expect(() => placementOf(['a', 'b.', 'a'], ['a', 'c'])).toThrow(
      '2 buckets can\'t be placed on 3 groups: one would own nothing; not a group id: "b."; the group a is named twice; ' +
        'bucket 1 belongs to c, which is not among the groups',
    );
  });
});

describe('addGroup', () => {
  it('balances any placement and does not modify its input', () => {
    fc.assert(
      fc.property(anyPlacement, (before) => {
        fc.pre(before.groups.length < before.owners.length);
        const owners = [...before.owners];
        const after = addGroup(before, 'new');
        expect(unevenness(after)).toBeLessThanOrEqual(1);
        expect(after.groups).toEqual([...before.groups, 'new']);
        expect(before.owners).toEqual(owners);
      }),
    );
  });

  it('moves buckets of an even placement only to the new group, and only its share', () => {
    fc.assert(
      fc.property(bucketCount, fc.nat(), (buckets, size) => {
        fc.pre(buckets > 1);
        const groups = 1 + (size % (buckets - 1));
        const before = evenPlacement(buckets, groupIdsOf(groups));
        const moves = newOwners(before, addGroup(before, 'new'));
        expect(new Set(moves)).toEqual(new Set(['new']));
        expect(moves).toHaveLength(Math.floor(buckets / (groups + 1)));
      }),
    );
  });

  it('moves no more than the best of all even placements, found by trying them all', () => {
    const everyEven = (groups: readonly string[], buckets: number) => {
      let all: string[][] = [[]];
      for (let bucket = 0; bucket < buckets; bucket += 1) {
        all = all.flatMap((owners) => groups.map((group) => [...owners, group]));
      }
      return all.map((owners) => placementOf(groups, owners)).filter((placement) => unevenness(placement) <= 1);
    };
    const even = {
      2: everyEven(['g1', 'new'], 8),
      3: everyEven(['g1', 'g2', 'new'], 8),
    };
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('g1', 'g2'), { minLength: 8, maxLength: 8 }),
        fc.boolean(),
        (owners, two) => {
          const before = two ? placementOf(['g1', 'g2'], owners) : evenPlacement(8, ['g1']);
          const moved = newOwners(before, addGroup(before, 'new')).length;
          const best = Math.min(...(two ? even[3] : even[2]).map((placement) => newOwners(before, placement).length));
          expect(moved).toBe(best);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('refuses a known group, and more groups than buckets', () => {
    const full = evenPlacement(2, ['g1', 'g2']);
    expect(() => addGroup(full, 'g2')).toThrow('the group g2 is named twice');
    expect(() => addGroup(full, 'g3')).toThrow("2 buckets can't be placed on 3 groups");
  });
});

describe('a placement', () => {
  it('returns owner and buckets', () => {
    const before = evenPlacement(4, ['g1']);
    const after = addGroup(before, 'g2');
    expect(after.owners).toEqual(['g1', 'g1', 'g2', 'g2']);
    expect(groupOf(after, 2)).toBe('g2');
    expect(bucketsOf(after, 'g1')).toEqual([0, 1]);
    expect(bucketsOf(after, 'g9')).toEqual([]);
    expect(() => groupOf(after, 4)).toThrow('there is no bucket 4 among 4');
  });

  it('can’t be changed', () => {
    const placement = evenPlacement(4, ['g1']);
    expect(() => (placement.owners as string[]).push('g2')).toThrow(TypeError);
  });

  it.each(['g1', 'G-2_a', '7'])('may have a group called %p', (id) => expect(isGroupId(id)).toBe(true));
  it.each(['', '-g', 'g.1', 'g=1', 'g 1', 'g\n', 'ñ', 'g'.repeat(64)])('may not have one called %p', (id) =>
    expect(isGroupId(id)).toBe(false),
  );
});
