import fc from 'fast-check';
import { covers, type GroupTerm } from './coverage.js';
import type { BatchPosition } from './position.js';

const at = (term: number, tag: string, seq: number): BatchPosition => ({ term, tag, seq });
const A = 'aaaaaaaa';
const B = 'bbbbbbbb';
const C = 'cccccccc';

describe('covers', () => {
  // Leadership 7a wrote up to 1000; a failover kept 900 of it; 8b began at 901 and 9c at 951.
  const terms: GroupTerm[] = [
    { term: 9, tag: C, firstSeq: 951 },
    { term: 7, tag: A, firstSeq: 801 },
    { term: 8, tag: B, firstSeq: 901 },
  ];
  const node = at(9, C, 960);

  it.each([
    ['the node itself', at(9, C, 960), 'covered'],
    ['an earlier batch of the same leadership', at(9, C, 955), 'covered'],
    ['a later batch of the same leadership', at(9, C, 961), 'behind'],
    ['another leadership with the same term', at(9, A, 1), 'lost'],
    ['a later term', at(10, A, 1), 'behind'],
    ['the last batch of an earlier leadership', at(8, B, 950), 'covered'],
    ['a batch beyond the end of an earlier leadership', at(8, B, 951), 'lost'],
    ['the last batch that a failover kept', at(7, A, 900), 'covered'],
    ['the first batch that a failover lost', at(7, A, 901), 'lost'],
    ['a lost batch whose number came again later', at(7, A, 955), 'lost'],
    ['another leadership with an earlier term', at(8, C, 910), 'lost'],
    ['a term that is not in the history', at(6, A, 1), 'lost'],
    ['a leadership seen before its first batch', at(8, B, 900), 'covered'],
  ] as const)('finds %s', (_, wanted, expected) => {
    expect(covers(node, wanted, terms)).toBe(expected);
  });

  it('needs no history while the term is the same or later', () => {
    expect(covers(at(0, A, 0), at(0, A, 0), [])).toBe('covered');
    expect(covers(at(0, A, 0), at(1, B, 0), [])).toBe('behind');
  });

  it('rejects a history of another snapshot', () => {
    expect(() => covers(at(10, A, 961), at(8, B, 910), terms)).toThrow('do not reach term 10');
    expect(() => covers(at(9, A, 961), at(8, B, 910), terms)).toThrow('do not reach term 9');
  });

  it('answers for a group that had 200,000 leaderships', () => {
    const many = Array.from({ length: 200_000 }, (_, index) => ({ term: index + 1, tag: A, firstSeq: index + 1 }));
    expect(covers(at(200_000, A, 200_000), at(1, A, 1), many)).toBe('covered');
    expect(covers(at(200_000, A, 200_000), at(1, A, 2), many)).toBe('lost');
  });

  it('decides which batches are in a node’s log, over any failover', () => {
    fc.assert(
      fc.property(failover, fc.nat(), fc.nat(), fc.boolean(), ({ kept, lost, fork }, cut, pick, fromLost) => {
        const prefix = kept.slice(0, 1 + (cut % kept.length));
        const source = fromLost ? lost : kept;
        const wanted = source[pick % source.length] as Step;
        const node = prefix.at(-1) as Step;
        const terms = prefix
          .filter((step) => step.raised)
          .map(({ term, tag, seq }) => ({ term, tag, firstSeq: seq + 1 }));
        const answer = covers(node, wanted, terms);

        if (prefix.includes(wanted)) expect(answer).toBe('covered');
        else if (kept.includes(wanted)) expect(answer).toBe('behind');
        else expect(answer).toBe(prefix.length > fork && node.term >= wanted.term ? 'lost' : 'behind');
      }),
      { numRuns: 2000 },
    );
  });
});

/** The group's position after one step of its log: the start of a leadership, or a batch. */
interface Step extends BatchPosition {
  readonly raised: boolean;
}

// A log is grown from a list of leaderships, each given by its number of batches. Two logs share their beginning up to
// the fork. There the lost log went on, and the kept log started a new leadership instead.
const batchCounts = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 });
const failover = fc.tuple(batchCounts, batchCounts, fc.nat()).map(([first, second, cut]) => {
  const lost = grow([], first, 'a');
  const fork = 1 + (cut % lost.length);
  return { lost, kept: grow(lost.slice(0, fork), second, 'b'), fork };
});

function grow(begun: readonly Step[], batches: readonly number[], letter: string): Step[] {
  const log = [...begun];
  let { term, seq } = log.at(-1) ?? { term: 0, seq: 0 };
  for (const count of batches) {
    term += 1;
    const tag = letter.repeat(8);
    log.push({ term, tag, seq, raised: true });
    for (let batch = 0; batch < count; batch += 1) {
      seq += 1;
      log.push({ term, tag, seq, raised: false });
    }
  }
  return log;
}
