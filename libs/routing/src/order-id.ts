import { bucketOfHash12 } from './bucket.js';
import { hash12 } from './hash.js';
import { field12Of, idOfKey, uuidV7, type IdSource, type KeyedRequest } from './uuid.js';

/*
 * An order's id carries hash12 of its customer in the 12 bits after the version digit, so the id alone says in which
 * bucket the order lies, whatever BUCKETS is:
 *
 *     0192f3a4-5b6c-7 e21 -9d01-23456789abcd
 *                     └ hash12(customerId), here 0xe21
 *
 * Version 7 when we make it; version 8, out of what the client sent, when that came with an `Idempotency-Key`: a
 * retried POST then gets the same id without any lookup, on whichever process it lands.
 */

/** A new order's id. Throws a RangeError for a time or randomness out of range. */
export function newOrderId({ customerId, ...source }: IdSource & { readonly customerId: string }): string {
  return uuidV7(source, hash12(customerId));
}

/** The id of the order that this origin asked for under this `Idempotency-Key`, at whichever API. */
export function orderIdFor({ customerId, ...request }: KeyedRequest & { readonly customerId: string }): string {
  return idOfKey('order', request, [customerId], hash12(customerId));
}

/** hash12 of the order's customer. Throws a RangeError when the id is no UUID. */
export function hash12OfOrderId(orderId: string): number {
  return field12Of(orderId);
}

/**
 * The bucket that has the order, if there is one: a UUID that was made elsewhere names some bucket too, in which the
 * order is then not found. Throws a RangeError when the id is no UUID, or for a bad number of buckets.
 */
export function bucketOfOrderId(orderId: string, buckets: number): number {
  return bucketOfHash12(hash12OfOrderId(orderId), buckets);
}
