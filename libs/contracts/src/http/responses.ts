import { z } from 'zod';
import { orderStatusSchema } from '../orders.js';
import { outcomeStatusSchema } from '../outcomes.js';
import {
  branchIdSchema,
  customerIdSchema,
  groupIdSchema,
  productIdSchema,
  taxBasisPointsSchema,
  stockReasonSchema,
  uuidSchema,
} from '../primitives.js';
import { dateSchema, timestampSchema, timeZoneSchema } from '../times.js';
import { orderLineSchema, pricedLineSchema, shortLineSchema } from '../order-lines.js';
import { reservationStatusSchema } from '../reservations.js';
import { movementChange } from '../stock.js';
import { transferStatusSchema } from '../transfers.js';

/**
 * Body of a 202: a majority of the brokers, or the journal of the accepting process, has the order. It is not decided
 * yet.
 */
export const orderAcceptedSchema = z.object({
  orderId: uuidSchema,
  status: z.literal('accepted'),
  promisesUnits: z
    .literal(false)
    .optional()
    .meta({
      description:
        'A back-order: it is kept at this machine until the head office can be reached, and may be rejected then. Absent: ' +
        'the brokers have it, and it is decided now',
    }),
});
export const commandAcceptedSchema = z.object({ commandId: uuidSchema, status: z.literal('accepted') });

export const orderSchema = z.object({
  orderId: uuidSchema,
  customerId: customerIdSchema,
  branchId: branchIdSchema.nullable(),
  status: orderStatusSchema,
  /** The lines with prices if the order is confirmed, or as requested if it is rejected. */
  lines: z.array(z.union([pricedLineSchema, orderLineSchema])),
  totalCents: z.number().int(),
  short: z.array(shortLineSchema),
  unknownProducts: z.array(productIdSchema),
  /** Time of the request, by the clock of the accepting process. */
  placedAt: timestampSchema,
  decidedAt: timestampSchema,
  /** The reservation whose units it took over; null: it reserved them itself. */
  reservationId: uuidSchema.nullable(),
  /** Time of cancellation or fulfilment. */
  endedAt: timestampSchema.nullable(),
  /** Units that were returned. */
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
  /** The order that the reservation became. */
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
  writtenOffAt: timestampSchema.nullable(),
  /** Reason why the transfer was written off. */
  reason: stockReasonSchema.nullable(),
});
/** 202 of a read: the order is accepted, and the answering node shows no decision yet. */
export const orderPendingSchema = z.object({ orderId: uuidSchema, status: z.literal('pending') });
export const commandOutcomeSchema = z.discriminatedUnion('status', [
  z.object({
    commandId: uuidSchema,
    kind: z.string(),
    status: outcomeStatusSchema,
    /** Result, whose form depends on the kind of command. Empty if the command expired or was discarded. */
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
    /** The command could not be processed and is kept until an operator decides. This is no outcome. */
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
  /** Absent: the chain's default rate. */
  taxBasisPoints: taxBasisPointsSchema.optional(),
});
export const stockLevelSchema = z.object({
  productId: productIdSchema,
  location: z.string(),
  onHand: z.number().int(),
  reserved: z.number().int(),
  available: z.number().int(),
});
/** The public part of a product's stock: the units available for orders. */
export const productAvailabilitySchema = z.object({ productId: productIdSchema, available: z.number().int() });
export const productStockSchema = z.object({
  productId: productIdSchema,
  levels: z.array(stockLevelSchema),
});
/** A movement of a stock level, as the event `stock.changed` states it, with its time and command. */
export const stockMovementSchema = movementChange['stock.changed'].extend({
  at: timestampSchema,
  commandId: uuidSchema.meta({ description: 'Command that caused it' }),
});
export const cartSchema = z.object({
  customerId: customerIdSchema,
  items: z.array(
    z.object({
      productId: productIdSchema,
      quantity: z.number().int(),
      /** Null: the product is not in the catalogue any more. */
      name: z.string().nullable(),
      unitPriceCents: z.number().int().nullable(),
    }),
  ),
  /** `after` of the next page; null on the last. */
  next: z.string().nullable(),
});
/** A list in a stable order; `next` is the `after` of the next page, null on the last. */
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

export const orderPageSchema = pageOf(orderSchema).extend({
  /** The orders that the reader's position names as `order/<id>` and that are not decided yet. */
  pending: z.array(uuidSchema),
});
export const reservationPageSchema = pageOf(reservationSchema);
export const transferPageSchema = pageOf(transferSchema);
export const productPageSchema = pageOf(productSchema);
export const stockPageSchema = pageOf(stockLevelSchema);
export const stockMovementPageSchema = pageOf(stockMovementSchema);
export const customerPageSchema = pageOf(customerSchema);

const figureSchema = z.object({
  orders: z.number().int(),
  units: z.number().int(),
  revenueCents: z.number().int(),
});
/**
 * Sales, as net and its parts: `gross` less `cancelled` less `returned`. Each counts on the day on which it happened,
 * so the net of a day is negative if more was returned than sold. By product, orders are those that contain the
 * product.
 */
export const salesFiguresSchema = z.object({
  sales: z.number().int().meta({ description: 'Net orders' }),
  units: z.number().int().meta({ description: 'Net units' }),
  revenueCents: z.number().int().meta({ description: 'Net revenue' }),
  gross: figureSchema.meta({ description: 'Confirmed, on the day of the confirmation' }),
  cancelled: figureSchema.meta({ description: 'Cancelled, on the day of the cancellation' }),
  returned: figureSchema.meta({
    description:
      'Returned, on the day of the return. An order counts as returned with its last unit; before that it is still a sale',
  }),
});
export const dailyStatisticsSchema = z.object({
  timeZone: timeZoneSchema,
  items: z.array(
    z.object({
      /** Day in the chain's time zone. */
      day: dateSchema,
      /** Null: Central. */
      branchId: branchIdSchema.nullable(),
      registrations: z.number().int(),
      ...salesFiguresSchema.shape,
    }),
  ),
});
export const salesRowSchema = z.object({
  /** Day in the chain's time zone. Null: the figures are not grouped by day. */
  day: dateSchema.nullable(),
  /** `central` for the head office; null: not grouped by branch. */
  branchId: branchIdSchema.nullable(),
  /** Null: not grouped by product. */
  productId: productIdSchema.nullable(),
  ...salesFiguresSchema.shape,
  /** Net revenue per net order, rounded; 0 if there is no net order. */
  averageTicketCents: z.number().int(),
});
export const salesSchema = pageOf(salesRowSchema).extend({ timeZone: timeZoneSchema });
export const notificationSchema = z.object({
  notificationId: z.string(),
  customerId: customerIdSchema,
  kind: z.literal('welcome'),
  email: z.string(),
  /** `unsent`: no mail server is configured, or its turn has not come. */
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
      /**
       * Role as last seen; null if the node was not seen yet. A deposed primary still reports that it is primary; it
       * serves no reads.
       */
      role: z.enum(['primary', 'replica', 'deposed']).nullable(),
      /**
       * Replication state of a replica according to its primary, such as `streaming`; null: the primary sends it
       * nothing, or is unreachable.
       */
      state: z.string().nullable(),
      syncState: z.string().nullable(),
      /** False: the primary does not stream to it, so it is read only if there is nothing better. Null: unknown. */
      follows: z.boolean().nullable(),
      position: z
        .string()
        .nullable()
        .meta({ examples: ['g1=7.1f0c5e9a.1234'] }),
      /** Age of the oldest batch that is not visible on it, ms. */
      lagMs: z.number().int().nullable(),
      /** Log that it has not replayed, bytes, according to its primary. */
      lagBytes: z.number().nullable(),
      /** The slot that keeps its log on the primary. */
      slot: z
        .object({
          name: z.string(),
          active: z.boolean(),
          /** `lost`: it must be copied again. */
          walStatus: z.string(),
          retainedBytes: z.number(),
        })
        .nullable(),
      /** Statements that recovery has cancelled there. */
      conflicts: z.number().int().nullable(),
      /** Recent duration of a read, ms. */
      latencyMs: z.number(),
      /** Reads answered by it since this process started, and its share of its group's reads, 0 to 1. */
      reads: z.number().int(),
      share: z.number(),
      /** The reason why the node can't be read. */
      fault: z.string().nullable(),
    }),
  ),
});
