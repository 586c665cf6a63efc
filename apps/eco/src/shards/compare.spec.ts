import fc from 'fast-check';
import { compareRouters, groupIdsOf } from './compare.js';
import { groupByModulo, groupOnRing, md5Of, ringOf, VIRTUAL_NODES } from './ring.js';

const text = fc.string({ unit: 'binary' });

describe('groupByModulo', () => {
  it('is the whole MD5 as one number, modulo the groups', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 10_000 }), (key, groups) => {
        const digest = md5Of(key);
        expect(groupByModulo(digest, groups)).toBe(Number(BigInt(`0x${digest}`) % BigInt(groups)));
      }),
    );
  });
});

describe('the ring', () => {
  const ring = ringOf(groupIdsOf(4));

  it('has 150 ascending points a group', () => {
    expect(ring.points).toEqual([...ring.points].sort((a, b) => a - b));
    for (const owner of [0, 1, 2, 3]) {
      expect(ring.owners.filter((one) => one === owner)).toHaveLength(VIRTUAL_NODES);
    }
  });

  it('assigns a key to its own point or the next, and past the last one to the first', () => {
    const small = { groups: ['g1', 'g2', 'g3'], points: [0x10, 0x20, 0x30], owners: [2, 0, 1] };
    const ownerAt = (point: number) => groupOnRing(small, point.toString(16).padStart(12, '0').padEnd(32, 'f'));
    expect([0, 0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 2 ** 48 - 1].map(ownerAt)).toEqual([2, 2, 0, 0, 1, 1, 2, 2]);
  });

  it('moves a key only to a group that was added', () => {
    const grown = ringOf(groupIdsOf(6));
    fc.assert(
      fc.property(text, (key) => {
        const after = groupOnRing(grown, md5Of(key));
        expect(after >= 4 || after === groupOnRing(ring, md5Of(key))).toBe(true);
      }),
    );
  });

  it('refuses to be empty', () => {
    expect(() => groupOnRing(ringOf([]), md5Of('customer-1'))).toThrow(/without groups/);
  });
});

describe('compareRouters', () => {
  it('finds the expected shares of the three routers', () => {
    const comparison = compareRouters({ groups: 4, added: 1, buckets: 16 });
    const keys = 40_000;
    for (let key = 0; key < keys; key += 1) comparison.add(`customer-${key}`);
    const [modulo, ring, buckets] = comparison.moves();

    expect([modulo?.method, ring?.method, buckets?.method]).toEqual(['modulo', 'ring', 'buckets']);
    // Modulo 4 and modulo 5 agree for the 4 of 20 remainders below 4: 80 % move.
    expect((modulo?.moved ?? 0) / keys).toBeCloseTo(0.8, 1);
    // The ring assigns about a fifth to the new group; with 150 points it deviates by some percent.
    expect((ring?.moved ?? 0) / keys).toBeGreaterThan(0.15);
    expect((ring?.moved ?? 0) / keys).toBeLessThan(0.25);
    // 3 of 16 buckets.
    expect((buckets?.moved ?? 0) / keys).toBeCloseTo(3 / 16, 2);
    // The fullest of five then owns 4 of 16 buckets.
    expect((buckets?.fullest ?? 0) / keys).toBeCloseTo(4 / 16, 2);
    expect((modulo?.fullest ?? 0) / keys).toBeCloseTo(1 / 5, 2);
  });

  it('moves no key when no group is added', () => {
    const comparison = compareRouters({ groups: 3, added: 0, buckets: 16 });
    for (let key = 0; key < 100; key += 1) comparison.add(`customer-${key}`);
    expect(comparison.moves().map(({ moved }) => moved)).toEqual([0, 0, 0]);
  });

  it('refuses more groups than buckets', () => {
    expect(() => compareRouters({ groups: 15, added: 2, buckets: 16 })).toThrow("16 buckets can't be placed on 17");
  });
});
