import fc from 'fast-check';
import { UnsettledTags } from './unsettled-tags.js';

/** Steps. A number delivers that many messages. A list settles the outstanding tags with those indexes. */
const turns = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(40), { maxLength: 12 })), {
  maxLength: 60,
});

describe('UnsettledTags', () => {
  it('acknowledges everything that is settled and nothing else', () => {
    fc.assert(
      fc.property(turns, (script) => {
        const tags = new UnsettledTags();
        const atBroker = new Set<number>();
        const unsettled = new Set<number>();
        let lastTag = 0;
        for (const turn of script) {
          if (typeof turn === 'number') {
            for (let count = 0; count < turn; count += 1) {
              lastTag += 1;
              tags.delivered(lastTag);
              atBroker.add(lastTag);
              unsettled.add(lastTag);
            }
            continue;
          }
          const outstanding = [...unsettled];
          const chosen = turn.flatMap((pick) => outstanding[pick] ?? []);
          for (const tag of chosen) unsettled.delete(tag);
          for (const { tag, multiple } of tags.settle(chosen)) {
            // A tag that the broker does not wait for closes the channel.
            expect(atBroker.has(tag)).toBe(true);
            for (const held of [...atBroker]) if (held === tag || (multiple && held < tag)) atBroker.delete(held);
          }
          expect(atBroker).toEqual(unsettled);
          expect(tags.count).toBe(unsettled.size);
        }
      }),
    );
  });

  it('uses one frame for a batch with nothing unsettled below it', () => {
    const tags = new UnsettledTags();
    for (let tag = 1; tag <= 200; tag += 1) tags.delivered(tag);
    expect(tags.settle(Array.from({ length: 150 }, (_, index) => index + 1))).toEqual([{ tag: 150, multiple: true }]);
  });

  it('does not acknowledge across an unsettled delivery', () => {
    const tags = new UnsettledTags();
    for (const tag of [1, 2, 3, 4]) tags.delivered(tag);
    expect(tags.settle([1, 3, 4])).toEqual([
      { tag: 1, multiple: true },
      { tag: 3, multiple: false },
      { tag: 4, multiple: false },
    ]);
    expect(tags.settle([2])).toEqual([{ tag: 2, multiple: true }]);
  });

  it('ignores tags that are settled already', () => {
    const tags = new UnsettledTags();
    tags.delivered(1);
    tags.settle([1]);
    expect(tags.settle([1])).toEqual([]);
  });
});
