import { z } from 'zod';
import { orderLinesSchema } from '../commands.js';
import {
  centsSchema,
  customerIdSchema,
  emailSchema,
  groupIdSchema,
  lineQuantitySchema,
  personNameSchema,
  productIdSchema,
  productNameSchema,
  stockQuantitySchema,
  uuidSchema,
} from '../primitives.js';
import { topicSchema } from '../changes.js';

/** Bodies, paths and queries of the REST APIs. Objects are strict: an unknown field is a fault, never ignored. */

export const placeOrderRequestSchema = z.strictObject({ customerId: customerIdSchema, lines: orderLinesSchema });
export type PlaceOrderRequest = z.infer<typeof placeOrderRequestSchema>;

export const registerCustomerRequestSchema = z.strictObject({
  /** Absent: one is made. */
  customerId: customerIdSchema.optional(),
  name: personNameSchema,
  email: emailSchema,
});
export const createProductRequestSchema = z.strictObject({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
  stock: stockQuantitySchema.default(0),
});
export const updateProductRequestSchema = z.strictObject({ name: productNameSchema, priceCents: centsSchema });
export const putCartItemRequestSchema = z.strictObject({ quantity: lineQuantitySchema });

export const orderPathSchema = z.strictObject({ orderId: uuidSchema });
export const commandPathSchema = z.strictObject({ commandId: uuidSchema });
export const customerPathSchema = z.strictObject({ customerId: customerIdSchema });
export const productPathSchema = z.strictObject({ productId: productIdSchema });
export const cartItemPathSchema = z.strictObject({ customerId: customerIdSchema, productId: productIdSchema });

const wholeNumber = (min: number, max: number) =>
  z.coerce
    .number()
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);

export const pageQuerySchema = z.strictObject({
  /** Rows at the most. */
  limit: wholeNumber(1, 1000).default(100),
  /** `next` of the page before. */
  after: z.string().max(512).optional(),
});
export const ordersQuerySchema = pageQuerySchema.extend({ customerId: customerIdSchema });
export const changesQuerySchema = z.strictObject({
  topic: topicSchema,
  /** May be left out while there is one group. */
  group: groupIdSchema.optional(),
  /** Batch up to which the reader has everything; 0: from the beginning. */
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  limit: wholeNumber(1, 1000).default(500),
});
export const dailyQuerySchema = z.strictObject({
  from: z.iso.date('must be a date, such as 2026-11-24').optional(),
  to: z.iso.date('must be a date, such as 2026-11-24').optional(),
});
