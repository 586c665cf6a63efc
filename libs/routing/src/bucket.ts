import { hash12 } from './hash.js';

/** Default for BUCKETS. Stored at the first start; a later start with another value is refused. */
export const BUCKETS_DEFAULT = 16;
export const BUCKETS_MAX = 256;

/** A power of two from 1 to 256: only then every bucket gets the same number of the 4,096 hashes. */
export function isBucketCount(buckets: number): boolean {
  return Number.isInteger(buckets) && buckets >= 1 && buckets <= BUCKETS_MAX && (buckets & (buckets - 1)) === 0;
}

export function assertBucketCount(buckets: number): void {
  if (!isBucketCount(buckets)) {
    throw new RangeError(`the number of buckets must be a power of two from 1 to ${BUCKETS_MAX}, not ${buckets}`);
  }
}

/** The bucket of a 12-bit hash, 0 … buckets − 1. Throws a RangeError for an invalid number of buckets. */
export function bucketOfHash12(hash: number, buckets: number): number {
  assertBucketCount(buckets);
  return hash % buckets;
}

/** The permanent bucket of a key: a customer id for orders, carts and customers, a product id for the rest. */
export function bucketOf(key: string, buckets: number): number {
  return bucketOfHash12(hash12(key), buckets);
}
