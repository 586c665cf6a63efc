import { bucketOfHash12 } from './bucket.js';
import { hash12 } from './hash.js';
import { field12Of } from './uuid.js';

/*
 * The id of an order, a reservation, a transfer or any other command contains hash12 of the customer or product that
 * routes it. So the id alone says where to look, and with whom it can't have been made.
 */

/**
 * Whether this customer or product routes what has the id. If not, there is nothing of that id with them. One key in
 * 4096 matches by chance. Throws a RangeError if the id is no UUID.
 */
export function isRoutedBy(id: string, key: string): boolean {
  return field12Of(id) === hash12(key);
}

/**
 * The bucket of what has the id. A UUID made elsewhere also has a bucket, where nothing is found. Throws a RangeError if
 * the id is no UUID, or for an invalid number of buckets.
 */
export function bucketOfId(id: string, buckets: number): number {
  return bucketOfHash12(field12Of(id), buckets);
}
