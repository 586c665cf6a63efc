import { bucketOfHash12 } from './bucket.js';
import { hash12 } from './hash.js';
import { field12Of } from './uuid.js';

/*
 * The id of an order, a reservation, a transfer or any other command contains hash12 of the customer or product that
 * routes it. So the id alone says where to look, and it excludes most other customers and products.
 */

/**
 * Whether the thing with this id may belong to this customer or product. False is certain. True is wrong for one key in
 * 4096. Throws a RangeError if the id is no UUID.
 */
export function isRoutedBy(id: string, key: string): boolean {
  return field12Of(id) === hash12(key);
}

/**
 * The bucket of the thing with this id. Any other UUID has a bucket too, in which nothing is found. Throws a RangeError
 * if the id is no UUID, or for an invalid number of buckets.
 */
export function bucketOfId(id: string, buckets: number): number {
  return bucketOfHash12(field12Of(id), buckets);
}
