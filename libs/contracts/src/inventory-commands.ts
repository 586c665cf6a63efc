import { z } from 'zod';
import { orderLinesSchema } from './order-lines.js';
import {
  customerIdSchema,
  holdSecondsSchema,
  locationSchema,
  movedQuantitySchema,
  productIdSchema,
  stockDeltaSchema,
  stockQuantitySchema,
  stockReasonSchema,
  takenAtSchema,
  uuidSchema,
} from './primitives.js';

/** Bodies of commands about stock: held, moved, and the life of an order after it was placed. */

/** Holds all lines or none, at the prices of that time. */
export const createReservationSchema = z.strictObject({
  /** Also the command's id. Its 12-bit field names the customer's bucket. */
  reservationId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAtSchema,
  lines: orderLinesSchema,
  ttlSeconds: holdSecondsSchema,
});

/** Makes an order of the reservation, at the reservation's prices. */
export const confirmReservationSchema = z.strictObject({
  /** Also the command's id. */
  orderId: uuidSchema,
  reservationId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAtSchema,
});

/** If the reservation has not arrived yet, a tombstone is left, so that it holds nothing when it does. */
export const releaseReservationSchema = z.strictObject({ reservationId: uuidSchema, customerId: customerIdSchema });

/** The batch that finds a due reservation creates this command itself; no client needs to send it. */
export const expireReservationSchema = z.strictObject({ reservationId: uuidSchema, customerId: customerIdSchema });

/** If the order has not arrived yet, a tombstone is left, so that it is refused when it does. */
export const cancelOrderSchema = z.strictObject({ orderId: uuidSchema, customerId: customerIdSchema });

/** Its units leave the shelf. */
export const fulfilOrderSchema = z.strictObject({ orderId: uuidSchema, customerId: customerIdSchema });

/** Returns units of a fulfilled order; never more of a product than it had. */
export const returnOrderSchema = z.strictObject({
  orderId: uuidSchema,
  customerId: customerIdSchema,
  /** Location of the units now. */
  location: locationSchema,
  lines: orderLinesSchema,
});

const levelOf = { productId: productIdSchema, location: locationSchema };

export const receiveStockSchema = z.strictObject({ ...levelOf, quantity: movedQuantitySchema });

/** Never below what is reserved. */
export const adjustStockSchema = z.strictObject({ ...levelOf, delta: stockDeltaSchema, reason: stockReasonSchema });

/** Compare-and-set: `counted` becomes the level if that is still `expected`. */
export const countStockSchema = z.strictObject({
  ...levelOf,
  /** Recorded units on hand, as the counter assumes. */
  expected: stockQuantitySchema,
  counted: stockQuantitySchema,
});

/** The units leave one location and are in transit until `transfer.receive`. */
export const sendTransferSchema = z
  .strictObject({
    /** Also the command's id. Its 12-bit field names the product's bucket. */
    transferId: uuidSchema,
    productId: productIdSchema,
    from: locationSchema,
    to: locationSchema,
    quantity: movedQuantitySchema,
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another location than from' });

export const receiveTransferSchema = z.strictObject({ transferId: uuidSchema, productId: productIdSchema });
