import type { GroupTerm } from '@eco/routing';
import fc from 'fast-check';
import { continued } from './probe.js';

/** Successive leaderships. A tag is drawn once, so it identifies its history. */
const history = (tags: readonly string[]): GroupTerm[] =>
  tags.map((tag, index) => ({ term: index + 1, tag, firstSeq: index * 10 + 1 }));

const tags = (letter: string) =>
  fc.array(fc.constant(letter), { maxLength: 5 }).map((letters) => letters.map((each, index) => `${each}${index}`));

describe('the terms of a node', () => {
  it('are the known and the newer ones; another history is noticed', () => {
    fc.assert(
      fc.property(tags('common'), tags('known'), tags('now'), (common, lost, kept) => {
        const known = history([...common, ...lost]);
        const now = history([...common, ...kept]);
        const asked = now.filter(({ term }) => term >= (known.at(-1)?.term ?? 0));
        expect(continued(known, asked)).toEqual(lost.length > 0 ? undefined : now);
      }),
      { numRuns: 1000 },
    );
  });

  it('stay the same object while there is nothing newer', () => {
    const known = history(['a', 'b']);
    expect(continued(known, [known[1] as GroupTerm])).toBe(known);
  });
});
