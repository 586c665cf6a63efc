import { hash12 } from './hash.js';
import { idOfKey, uuidV7, type IdSource, type KeyedRequest } from './uuid.js';

/*
 * An order's id contains hash12 of its customer in the 12 bits after the version digit, so the id alone determines the
 * order's bucket, whatever BUCKETS is:
 *
 *     0192f3a4-5b6c-7 e21 -9d01-23456789abcd
 *                     └ hash12(customerId), here 0xe21
 *
 * A new id is version 7. With an `Idempotency-Key` it is version 8, derived from the client's request, so that a
 * retried POST gets the same id without a lookup, on any process.
 */

/** A new order's id. Throws a RangeError for an invalid time or too few random bytes. */
export function newOrderId({ customerId, ...source }: IdSource & { readonly customerId: string }): string {
  return uuidV7(source, hash12(customerId));
}

/** The id of the order that a principal requested under this `Idempotency-Key`. It is the same at every API. */
export function orderIdFor({ customerId, ...request }: KeyedRequest & { readonly customerId: string }): string {
  return idOfKey('order', request, [customerId], hash12(customerId));
}
