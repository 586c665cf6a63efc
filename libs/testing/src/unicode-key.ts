import { hash } from 'node:crypto';

/*
 * Keys for tests that compare two implementations of the hash: any text that PostgreSQL can store. It may have every
 * code point except U+0000 and the surrogates, including control characters and unassigned ones.
 */

/** Numbers from 0 up to, but not including, 1, like `Math.random`. */
export type RandomSource = () => number;

/** Code points by their length in UTF-8, so that each length is equally likely. */
const CODE_POINTS = [
  [0x1, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xffff],
  [0x10000, 0x10ffff],
] as const;
const SURROGATE_FIRST = 0xd800;
const SURROGATES = 0x800;

/** A key of 1 to `codePointsMax` code points. */
export function unicodeKey(random: RandomSource, codePointsMax = 40): string {
  const below = (limit: number) => Math.floor(random() * limit);
  const codePoint = () => {
    const [first, last] = CODE_POINTS[below(CODE_POINTS.length)] ?? CODE_POINTS[0];
    const surrogates = first < SURROGATE_FIRST && last > SURROGATE_FIRST ? SURROGATES : 0;
    const point = first + below(last - first + 1 - surrogates);
    return surrogates > 0 && point >= SURROGATE_FIRST ? point + SURROGATES : point;
  };
  return String.fromCodePoint(...Array.from({ length: 1 + below(codePointsMax) }, codePoint));
}

/** A random source that gives the same numbers for the same seed, so that a failed test can be repeated. */
export function seededRandom(seed: string): RandomSource {
  let round = 0;
  let words: number[] = [];
  return () => {
    if (words.length === 0) {
      const digest = hash('md5', `${seed}/${round}`, 'hex');
      words = [0, 8, 16, 24].map((start) => Number.parseInt(digest.slice(start, start + 8), 16));
      round += 1;
    }
    return (words.pop() ?? 0) / 2 ** 32;
  };
}
