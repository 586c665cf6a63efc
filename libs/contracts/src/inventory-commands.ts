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

/** Bodies of the commands about stock: held, moved, and what becomes of an order that has it. */

/** Holds all lines or none, at the prices of then. */
export const createReservationSchema = z.strictObject({
  /** Also the command's id. Its 12-bit field names the customer's bucket. */
  reservationId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAtSchema,
  lines: orderLinesSchema,
  ttlSeconds: holdSecondsSchema,
});

/** Makes an order of what is held, at the prices it was held at. */
export const confirmReservationSchema = z.strictObject({
  /** Also the command's id. */
  orderId: uuidSchema,
  reservationId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAtSchema,
});

/** Of one that is not there yet it leaves a tombstone, so that a reservation that comes late holds nothing. */
export const releaseReservationSchema = z.strictObject({ reservationId: uuidSchema, customerId: customerIdSchema });

/** The batch that finds a reservation due makes this one itself; nobody needs to send it. */
export const expireReservationSchema = z.strictObject({ reservationId: uuidSchema, customerId: customerIdSchema });

/** Of an order that is not there yet it leaves a tombstone, so that one that comes late is refused. */
export const cancelOrderSchema = z.strictObject({ orderId: uuidSchema, customerId: customerIdSchema });

/** Its units leave the shelf. */
export const fulfilOrderSchema = z.strictObject({ orderId: uuidSchema, customerId: customerIdSchema });

/** Units of a fulfilled order come back; never more of a product than it had. */
export const returnOrderSchema = z.strictObject({
  orderId: uuidSchema,
  customerId: customerIdSchema,
  /** Where they lie now. */
  location: locationSchema,
  lines: orderLinesSchema,
});

const levelOf = { productId: productIdSchema, location: locationSchema };

export const receiveStockSchema = z.strictObject({ ...levelOf, quantity: movedQuantitySchema });

/** Never below what is reserved. */
export const adjustStockSchema = z.strictObject({ ...levelOf, delta: stockDeltaSchema, reason: stockReasonSchema });

/** Compare-and-set: `counted` becomes the level if it is `expected` still. */
export const countStockSchema = z.strictObject({
  ...levelOf,
  /** Units on hand that whoever counted believes are recorded. */
  expected: stockQuantitySchema,
  counted: stockQuantitySchema,
});

/** Out of one location and in transit, until `transfer.receive`. */
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
