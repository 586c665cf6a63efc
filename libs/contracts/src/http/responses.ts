import { z } from 'zod';
import {
  orderConfirmedSchema,
  orderStatusSchema,
  pricedLineSchema,
  reservationStatusSchema,
  shortLineSchema,
  transferStatusSchema,
} from '../outcomes.js';
import { branchIdSchema, customerIdSchema, productIdSchema, timestampSchema, uuidSchema } from '../primitives.js';
import { orderLineSchema } from '../order-lines.js';

/** 202: held by a majority of the brokers; the outcome is still to come. */
export const orderAcceptedSchema = z.object({
  orderId: uuidSchema,
  status: z.literal('accepted'),
});
export const commandAcceptedSchema = z.object({ commandId: uuidSchema, status: z.literal('accepted') });
export { orderConfirmedSchema };

export const orderSchema = z.object({
  orderId: uuidSchema,
  customerId: customerIdSchema,
  branchId: branchIdSchema.nullable(),
  status: orderStatusSchema,
  /** Priced when confirmed, as asked when rejected. */
  lines: z.array(z.union([pricedLineSchema, orderLineSchema])),
  totalCents: z.number().int(),
  short: z.array(shortLineSchema),
  unknownProducts: z.array(productIdSchema),
  /** When it was asked for, by the clock of who took it. */
  placedAt: timestampSchema,
  decidedAt: timestampSchema,
  /** Whose units it took over; null: it reserved them itself. */
  reservationId: uuidSchema.nullable(),
  /** When it was cancelled or fulfilled. */
  endedAt: timestampSchema.nullable(),
  /** Units that came back. */
  returned: z.array(orderLineSchema),
});
export const reservationSchema = z.object({
  reservationId: uuidSchema,
  customerId: customerIdSchema,
  branchId: branchIdSchema.nullable(),
  status: reservationStatusSchema,
  lines: z.array(pricedLineSchema),
  totalCents: z.number().int(),
  createdAt: timestampSchema,
  expiresAt: timestampSchema,
  /** The order that it became. */
  orderId: uuidSchema.nullable(),
});
export const transferSchema = z.object({
  transferId: uuidSchema,
  productId: productIdSchema,
  from: z.string(),
  to: z.string(),
  quantity: z.number().int(),
  status: transferStatusSchema,
  sentAt: timestampSchema,
  arrivedAt: timestampSchema.nullable(),
});
export const customerSchema = z.object({
  customerId: customerIdSchema,
  name: z.string(),
  email: z.string(),
  branchId: branchIdSchema.nullable(),
  registeredAt: timestampSchema,
});
export const productSchema = z.object({
  productId: productIdSchema,
  name: z.string(),
  priceCents: z.number().int(),
  version: z.number().int(),
});
export const stockLevelSchema = z.object({
  productId: productIdSchema,
  location: z.string(),
  onHand: z.number().int(),
  reserved: z.number().int(),
  available: z.number().int(),
});
export const productStockSchema = z.object({
  productId: productIdSchema,
  levels: z.array(stockLevelSchema),
});
export const cartSchema = z.object({
  customerId: customerIdSchema,
  items: z.array(
    z.object({
      productId: productIdSchema,
      quantity: z.number().int(),
      /** Null: not in the catalogue any more. */
      name: z.string().nullable(),
      unitPriceCents: z.number().int().nullable(),
    }),
  ),
});
/** A list in a stable order; `next` is the `after` of the following page, null on the last. */
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

export const orderPageSchema = pageOf(orderSchema);
export const productPageSchema = pageOf(productSchema);
export const stockPageSchema = pageOf(stockLevelSchema);
export const customerPageSchema = pageOf(customerSchema);

export const dailyStatisticsSchema = z.object({
  items: z.array(
    z.object({
      /** UTC day. */
      day: z.iso.date(),
      /** Null: Central. */
      branchId: branchIdSchema.nullable(),
      registrations: z.number().int(),
      sales: z.number().int(),
      units: z.number().int(),
      revenueCents: z.number().int(),
    }),
  ),
});
export const notificationSchema = z.object({
  notificationId: z.string(),
  customerId: customerIdSchema,
  kind: z.literal('welcome'),
  email: z.string(),
  /** `unsent`: no mail server is configured, or it has not been its turn. */
  state: z.enum(['unsent', 'sent', 'failing']),
  tries: z.number().int(),
  lastError: z.string().nullable(),
  createdAt: timestampSchema,
  sentAt: timestampSchema.nullable(),
});
export const notificationPageSchema = pageOf(notificationSchema);
