import { z } from 'zod';
import {
  orderConfirmedSchema,
  orderStatusSchema,
  outcomeStatusSchema,
  pricedLineSchema,
  reservationStatusSchema,
  shortLineSchema,
  transferStatusSchema,
} from '../outcomes.js';
import {
  branchIdSchema,
  customerIdSchema,
  groupIdSchema,
  productIdSchema,
  timestampSchema,
  timeZoneSchema,
  uuidSchema,
} from '../primitives.js';
import { orderLineSchema } from '../order-lines.js';

/** 202: held by a majority of the brokers, or by the journal of who took it; the outcome is still to come. */
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
/** 202 of a read: accepted, and not decided yet as far as the node that answers can see. */
export const orderPendingSchema = z.object({ orderId: uuidSchema, status: z.literal('pending') });
export const commandOutcomeSchema = z.discriminatedUnion('status', [
  z.object({
    commandId: uuidSchema,
    kind: z.string(),
    status: outcomeStatusSchema,
    /** As by the kind of command; empty when it expired or was discarded. */
    result: z.record(z.string(), z.unknown()),
    decidedAt: timestampSchema,
    keyConflicts: z
      .number()
      .int()
      .min(1)
      .optional()
      .meta({
        description:
          'Other requests that came under the same Idempotency-Key. None of them was carried out, nor will be; absent: ' +
          'there was none',
        examples: [1],
      }),
  }),
  z.object({
    commandId: uuidSchema,
    /** It could not be processed and is kept until an operator decides. Not an outcome. */
    status: z.literal('dead-letter'),
    reason: z.string(),
    since: timestampSchema,
  }),
]);
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

export const orderPageSchema = pageOf(orderSchema).extend({
  /** Orders whose position `order/<id>` the reader brought and for which nothing is decided yet. */
  pending: z.array(uuidSchema),
});
export const productPageSchema = pageOf(productSchema);
export const stockPageSchema = pageOf(stockLevelSchema);
export const customerPageSchema = pageOf(customerSchema);

const figureSchema = z.object({
  orders: z.number().int(),
  units: z.number().int(),
  revenueCents: z.number().int(),
});
/**
 * What was sold, as net and as what net is made of: `gross` less `cancelled` less `returned`. Each is of the day on which
 * it happened, so net of a day is negative when more came back than was sold. By product, orders are those that hold it.
 */
export const salesFiguresSchema = z.object({
  sales: z.number().int().meta({ description: 'Net orders' }),
  units: z.number().int().meta({ description: 'Net units' }),
  revenueCents: z.number().int().meta({ description: 'Net revenue' }),
  gross: figureSchema.meta({ description: 'Confirmed, on the day of the decision' }),
  cancelled: figureSchema.meta({ description: 'Cancelled, on the day of the cancellation' }),
  returned: figureSchema.meta({
    description: 'Come back, on the day of the return. An order counts with its last unit: in part it is still a sale',
  }),
});
export const dailyStatisticsSchema = z.object({
  timeZone: timeZoneSchema,
  items: z.array(
    z.object({
      /** In the chain's time zone. */
      day: z.iso.date(),
      /** Null: Central. */
      branchId: branchIdSchema.nullable(),
      registrations: z.number().int(),
      ...salesFiguresSchema.shape,
    }),
  ),
});
export const salesRowSchema = z.object({
  /** In the chain's time zone; null: not told apart. */
  day: z.iso.date().nullable(),
  /** `central` for the head office; null: not told apart. */
  branchId: branchIdSchema.nullable(),
  /** Null: not told apart. */
  productId: productIdSchema.nullable(),
  ...salesFiguresSchema.shape,
  /** Net revenue by net order, rounded; 0 when there is no net order. */
  averageTicketCents: z.number().int(),
});
export const salesSchema = pageOf(salesRowSchema).extend({ timeZone: timeZoneSchema });
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

/** Every database node as the reads of the answering process see it. */
export const replicationSchema = z.object({
  nodes: z.array(
    z.object({
      group: groupIdSchema,
      node: z.string().meta({ examples: ['g1-2'] }),
      host: z.string(),
      port: z.number().int(),
      reachable: z.boolean(),
      /** As last seen; null: not seen yet. A deposed primary thinks it is one still, and is not read. */
      role: z.enum(['primary', 'replica', 'deposed']).nullable(),
      /** Of a replica, as its primary has it, such as `streaming`; null: the primary sends it nothing, or can't be asked. */
      state: z.string().nullable(),
      syncState: z.string().nullable(),
      /** False: the primary does not send it the log, so it is read only when nothing better is there. Null: not known. */
      follows: z.boolean().nullable(),
      position: z
        .string()
        .nullable()
        .meta({ examples: ['g1=7.1f0c5e9a.1234'] }),
      /** Age of the oldest batch that it has not shown, ms. */
      lagMs: z.number().int().nullable(),
      /** Log that it has not replayed, bytes, as its primary sees it. */
      lagBytes: z.number().nullable(),
      /** What keeps the log for it on the primary. */
      slot: z
        .object({
          name: z.string(),
          active: z.boolean(),
          /** `lost`: it has to be copied anew. */
          walStatus: z.string(),
          retainedBytes: z.number(),
        })
        .nullable(),
      /** Statements that recovery has cancelled there. */
      conflicts: z.number().int().nullable(),
      /** Time a read takes lately, ms. */
      latencyMs: z.number(),
      /** Answered by it since this process began, and its share of its group's, 0 to 1. */
      reads: z.number().int(),
      share: z.number(),
      /** Why it can't be read. */
      fault: z.string().nullable(),
    }),
  ),
});
