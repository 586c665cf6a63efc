import fc from 'fast-check';
import { bucketOf, bucketOfHash12, isBucketCount } from './bucket.js';
import { hash12, HASH12_VALUES } from './hash.js';
import { seededRandom, unicodeKey } from './unicode-key.js';
import { routingVectors } from './vectors.js';

const bucketCount = fc.integer({ min: 0, max: 8 }).map((exponent) => 2 ** exponent);

describe('hash12 and bucketOf', () => {
  it.each(routingVectors.keys)('agree with the shared vector of $key', ({ key, hash12: hash, ...bucketOfCount }) => {
    expect(hash12(key)).toBe(hash);
    expect(bucketOf(key, 16)).toBe(bucketOfCount.bucketOf16);
    expect(bucketOf(key, 256)).toBe(bucketOfCount.bucketOf256);
  });

  it('name an existing bucket for any key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), bucketCount, (key, buckets) => {
        const bucket = bucketOf(key, buckets);
        expect(Number.isInteger(bucket) && bucket >= 0 && bucket < buckets).toBe(true);
        expect(bucketOf(key, buckets)).toBe(bucket);
      }),
    );
  });

  it('give every bucket the same number of hashes, whatever the count', () => {
    fc.assert(
      fc.property(bucketCount, (buckets) => {
        const hashes = new Array<number>(buckets).fill(0);
        for (let hash = 0; hash < HASH12_VALUES; hash += 1) {
          const bucket = bucketOfHash12(hash, buckets);
          hashes[bucket] = (hashes[bucket] ?? 0) + 1;
        }
        expect(new Set(hashes)).toEqual(new Set([HASH12_VALUES / buckets]));
      }),
    );
  });

  it.each([0, -16, 3, 12, 17, 512, 1.5, NaN, Infinity])('refuse %p buckets', (buckets) => {
    expect(isBucketCount(buckets)).toBe(false);
    expect(() => bucketOf('customer-1', buckets)).toThrow(/power of two from 1 to 256/);
  });
});

describe('unicodeKey', () => {
  it('makes text that PostgreSQL can store, of every length in UTF-8, the same for the same seed', () => {
    const random = seededRandom('unicode-key');
    const keys = Array.from({ length: 20_000 }, () => unicodeKey(random));
    const points = keys.flatMap((key) => [...key].map((character) => character.codePointAt(0) ?? 0));

    expect(points.filter((point) => point === 0 || (point >= 0xd800 && point <= 0xdfff))).toEqual([]);
    expect(new Set(points.map((point) => Buffer.byteLength(String.fromCodePoint(point))))).toEqual(
      new Set([1, 2, 3, 4]),
    );
    expect(points.filter((point) => point > 0xdfff && point <= 0xffff).length).toBeGreaterThan(0);
    expect(new Set(keys).size).toBeGreaterThan(19_000);

    const again = seededRandom('unicode-key');
    expect(Array.from({ length: 100 }, () => unicodeKey(again))).toEqual(keys.slice(0, 100));
  });

  it('reaches the first and the last code point of each length', () => {
    const almostOne = 1 - 2 ** -32;
    const scripted = (numbers: number[]) => () => numbers.shift() ?? 0;
    const ends = [0, 0.25, 0.5, 0.75].map((length) => [
      unicodeKey(scripted([0, length, 0])),
      unicodeKey(scripted([0, length, almostOne])),
    ]);
    expect(ends.map((pair) => pair.map((key) => key.codePointAt(0)))).toEqual([
      [0x1, 0x7f],
      [0x80, 0x7ff],
      [0x800, 0xffff],
      [0x10000, 0x10ffff],
    ]);
  });
});
