import fc from 'fast-check';
import type { ChangesCursor } from '@eco/contracts';
import type { GroupTerm } from '@eco/routing';
import { continuationOf, isCovered, type ShownHistory } from './cursor-place.js';

/*
 * Two histories of one group: the same leaderships up to a batch, then separate ones. One was lost in a failover; the
 * other is the group's history now.
 */

interface History {
  readonly terms: readonly GroupTerm[];
  readonly seq: number;
}

interface Diverged {
  readonly shared: number;
  readonly lost: History;
  readonly kept: History;
}

const histories: fc.Arbitrary<Diverged> = fc
  .record({
    lengths: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
    // Batches that the last common leadership wrote and the failover lost.
    lostTail: fc.nat(5),
    lostNext: fc.option(fc.nat(5), { nil: undefined }),
    keptNext: fc.option(fc.nat(12), { nil: undefined }),
  })
  .map(({ lengths, lostTail, lostNext, keptNext }) => {
    let shared = 0;
    const terms = lengths.map((length, index): GroupTerm => {
      const firstSeq = shared + 1;
      shared += length;
      return { term: index + 1, tag: 'shared', firstSeq };
    });
    const then = (tag: string, batches: number | undefined, from: number): History => {
      if (batches === undefined) return { terms, seq: from };
      return { terms: [...terms, { term: terms.length + 1, tag, firstSeq: from + 1 }], seq: from + batches };
    };
    return { shared, lost: then('lost', lostNext, shared + lostTail), kept: then('kept', keptNext, shared) };
  });

/** The history as `historyQuery` shows it. */
function shownTo({ leadership }: ChangesCursor, { terms, seq }: History): ShownHistory {
  const last = terms.at(-1) as GroupTerm;
  const next =
    leadership &&
    terms.find(({ term, tag }) => term >= leadership.term && !(term === leadership.term && tag === leadership.tag));
  return { position: { term: last.term, tag: last.tag, seq }, endsAt: next?.firstSeq ?? null };
}

/** The cursor of a reader at batch `place` of a history, as it was while `terms[index]` led. */
function cursorIn({ terms, seq }: History, index: number, place: number): ChangesCursor {
  const { term, tag, firstSeq } = terms[index % terms.length] as GroupTerm;
  const end = (terms[(index % terms.length) + 1]?.firstSeq ?? seq + 1) - 1;
  return { leadership: { term, tag }, seq: firstSeq - 1 + (place % (end - firstSeq + 2)) };
}

describe('a cursor', () => {
  it('is covered by the history that issued it, at its end and later', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), ({ kept }, index, place) => {
        const cursor = cursorIn(kept, index, place);
        expect(isCovered(cursor, shownTo(cursor, kept))).toBe(true);
      }),
    );
  });

  it('is covered after a failover exactly if no batch up to it was lost; otherwise its reader continues after the last common batch', () => {
    fc.assert(
      fc.property(histories, fc.nat(), fc.nat(), ({ shared, lost, kept }, index, place) => {
        const cursor = cursorIn(lost, index, place);
        const shown = shownTo(cursor, kept);
        // A cursor of a later leadership than the shown one can't be judged, because the history may still get that
        // leadership.
        if ((cursor.leadership?.term ?? 0) <= shown.position.term) {
          expect(isCovered(cursor, shown)).toBe(cursor.seq <= shared);
        }
        const continued = continuationOf(cursor, shown);
        if ((cursor.leadership?.term ?? 0) <= shown.position.term) {
          expect(continued.seq).toBe(Math.min(cursor.seq, shared));
        }
        expect(isCovered(continued, shownTo(continued, kept))).toBe(true);
      }),
    );
  });

  it('inside a batch continues before it', () => {
    const shown = { position: { term: 2, tag: 'kept', seq: 9 }, endsAt: null };
    expect(continuationOf({ leadership: { term: 3, tag: 'lost' }, seq: 7, n: 4 }, shown)).toMatchObject({
      leadership: { term: 2, tag: 'kept' },
      seq: 6,
    });
  });
});
