import fc from 'fast-check';
import { bucketOf, bucketOfHash12, isBucketCount } from './bucket.js';
import { hash12 } from './hash.js';
import { routingVectors } from './test/vectors.js';

const HASH12_VALUES = 4096;

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
