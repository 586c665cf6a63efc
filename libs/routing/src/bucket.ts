import { hash12 } from './hash.js';

/** BUCKETS of a cluster that says nothing else. Stored at first start; another value later is refused. */
export const BUCKETS_DEFAULT = 16;
export const BUCKETS_MAX = 256;

/** A power of two from 1 to 256: only then does every bucket get the same number of the 4,096 hashes. */
export function isBucketCount(buckets: number): boolean {
  return Number.isInteger(buckets) && buckets >= 1 && buckets <= BUCKETS_MAX && (buckets & (buckets - 1)) === 0;
}

export function assertBucketCount(buckets: number): void {
  if (!isBucketCount(buckets)) {
    throw new RangeError(`the number of buckets must be a power of two from 1 to ${BUCKETS_MAX}, not ${buckets}`);
  }
}

/** The bucket of a 12-bit hash, 0 … buckets − 1. Throws a RangeError for a count that is no power of two up to 256. */
export function bucketOfHash12(hash: number, buckets: number): number {
  assertBucketCount(buckets);
  return hash % buckets;
}

/** The bucket a key belongs to for ever: a customer id for orders, carts and customers, a product id for the rest. */
export function bucketOf(key: string, buckets: number): number {
  return bucketOfHash12(hash12(key), buckets);
}
