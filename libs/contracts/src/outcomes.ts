import { z } from 'zod';
import { orderLineSchema } from './order-lines.js';
import {
  centsSchema,
  customerIdSchema,
  lineQuantitySchema,
  locationSchema,
  productIdSchema,
  productNameSchema,
  timestampSchema,
  uuidSchema,
} from './primitives.js';
import { stampSchema } from './stamp.js';
import type { CommandKind } from './commands.js';
import { discardedSchema } from './dead-letters.js';

/**
 * Outcomes: the decision about a command, stored permanently under its id. In order of precedence: (1) an outcome
 * exists already: the same body gets it again, another body is a key conflict; (2) `expired`: it arrived after its
 * `notAfter`; (3) `refused`: a cancel or release of its id arrived first, or the rules of its kind refuse it; (4)
 * `done`. `discarded` is written for a dead letter by an operator.
 */
export const outcomeStatusSchema = z.enum(['done', 'refused', 'expired', 'discarded']);
export type OutcomeStatus = z.infer<typeof outcomeStatusSchema>;

export const pricedLineSchema = z.object({
  productId: productIdSchema,
  name: productNameSchema,
  quantity: lineQuantitySchema,
  unitPriceCents: centsSchema,
});
export type PricedLine = z.infer<typeof pricedLineSchema>;

/** One short line: the requested units, and those available when it was decided. */
export const shortLineSchema = z.object({
  productId: productIdSchema,
  asked: z.number().int(),
  available: z.number().int(),
});
export type ShortLine = z.infer<typeof shortLineSchema>;

export const orderConfirmedSchema = z.object({
  orderId: uuidSchema,
  status: z.literal('confirmed'),
  lines: z.array(pricedLineSchema),
  totalCents: z.number().int(),
});
export const orderRejectedSchema = z.object({
  orderId: uuidSchema,
  status: z.literal('rejected'),
  /** Every line that was short; a rejected order names all of them, not the first. */
  short: z.array(shortLineSchema),
  /** Products that are not in the catalogue. */
  unknownProducts: z.array(productIdSchema),
});

export const orderStatusSchema = z.enum(['confirmed', 'rejected', 'cancelled', 'fulfilled']);
export type OrderStatus = z.infer<typeof orderStatusSchema>;

/**
 * An order that has ended: `lines` lists the units that were freed or left. Absent: the cancellation arrived before the
 * order.
 */
export const orderEndedSchema = z.object({
  orderId: uuidSchema,
  status: z.enum(['cancelled', 'fulfilled']),
  lines: z.array(orderLineSchema),
});
export const orderReturnedSchema = z.object({
  orderId: uuidSchema,
  location: locationSchema,
  /** Returned with this command. */
  lines: z.array(orderLineSchema),
  /** Returned so far. */
  returned: z.array(orderLineSchema),
});

export const reservationStatusSchema = z.enum(['held', 'confirmed', 'released', 'expired']);
export type ReservationStatus = z.infer<typeof reservationStatusSchema>;

export const reservationHeldSchema = z.object({
  reservationId: uuidSchema,
  status: z.literal('held'),
  /** At the prices that its order will have. */
  lines: z.array(pricedLineSchema),
  totalCents: z.number().int(),
  /** Afterwards it holds nothing. */
  expiresAt: timestampSchema,
});
/** `lines`: the freed units. Absent: the release arrived before the reservation. */
export const reservationEndedSchema = z.object({
  reservationId: uuidSchema,
  status: z.enum(['released', 'expired']),
  lines: z.array(orderLineSchema),
});

/** One movement and the resulting level. */
export const stockMovedSchema = z.object({
  productId: productIdSchema,
  location: locationSchema,
  /** Additional units on hand; 0: a count that matched the record, which is no movement. */
  delta: z.number().int(),
  onHand: z.number().int(),
  reserved: z.number().int(),
  available: z.number().int(),
  /** Number of the level's last movement. */
  sequence: z.number().int(),
});
export const transferStatusSchema = z.enum(['in-transit', 'arrived']);
export const transferMovedSchema = stockMovedSchema.extend({
  transferId: uuidSchema,
  status: transferStatusSchema,
  from: locationSchema,
  to: locationSchema,
  quantity: z.number().int(),
});

/**
 * Why a command was refused, for programs; people get the title of the problem type. Further members add details:
 * `short`, `unknownProducts`, `unknownLocations`, `orderStatus`, `reservationStatus`, `onHand`, `excess`.
 */
export const refusalSchema = z.looseObject({
  reason: z.enum([
    'order-rejected',
    'order-too-long',
    'order-unknown',
    'order-cancelled',
    'order-not-open',
    'order-not-fulfilled',
    'return-exceeds-order',
    'cart-empty',
    'cart-full',
    'customer-exists',
    'product-exists',
    'product-unknown',
    'location-unknown',
    'stock-short',
    'stock-count-stale',
    'reservation-unknown',
    'reservation-released',
    'reservation-over',
    'reservation-not-due',
    'transfer-unknown',
    'transfer-arrived',
  ]),
});
export type RefusalReason = z.infer<typeof refusalSchema>['reason'];

/**
 * The result of a cart edit. `superseded`: a later edit of its product had arrived; `cleared`: the cart was emptied
 * later; `ordered`: a checkout that did not wait for this edit ordered the product, as `orderId`. A clear that is
 * applied and reports `ordered` removed everything that had not been ordered by then.
 */
export const cartEditedSchema = z.object({
  /** False: the cart is unaffected by it. */
  applied: z.boolean(),
  reason: z.enum(['superseded', 'cleared', 'ordered']).optional(),
  /** Stamp of what superseded it. */
  stamp: stampSchema.optional(),
  orderId: uuidSchema.optional(),
});
export type CartEdited = z.infer<typeof cartEditedSchema>;

const orderResult = z.union([orderConfirmedSchema, orderRejectedSchema, refusalSchema]);
const productResult = z.union([z.object({ productId: productIdSchema, version: z.number().int() }), refusalSchema]);

/** The result in an outcome, by kind of command. */
export const outcomeResults = {
  'order.place': orderResult,
  'cart.checkout': orderResult,
  'cart.edit': z.union([cartEditedSchema, refusalSchema]),
  'cart.clear': cartEditedSchema,
  'customer.register': z.union([z.object({ customerId: customerIdSchema }), refusalSchema]),
  'product.create': productResult,
  'product.update': productResult,
  'product.delete': productResult,
  'reservation.create': z.union([reservationHeldSchema, refusalSchema]),
  'reservation.confirm': orderResult,
  'reservation.release': z.union([reservationEndedSchema, refusalSchema]),
  'reservation.expire': z.union([reservationEndedSchema, refusalSchema]),
  'order.cancel': z.union([orderEndedSchema, refusalSchema]),
  'order.fulfil': z.union([orderEndedSchema, refusalSchema]),
  'order.return': z.union([orderReturnedSchema, refusalSchema]),
  'stock.receive': z.union([stockMovedSchema, refusalSchema]),
  'stock.adjust': z.union([stockMovedSchema.extend({ reason: z.string() }), refusalSchema]),
  'stock.count': z.union([stockMovedSchema, refusalSchema]),
  'transfer.send': z.union([transferMovedSchema, refusalSchema]),
  'transfer.receive': z.union([transferMovedSchema, refusalSchema]),
  'dead-letter.discard': discardedSchema,
} as const satisfies Record<CommandKind, z.ZodType>;

export type OrderConfirmed = z.infer<typeof orderConfirmedSchema>;
export type OrderRejected = z.infer<typeof orderRejectedSchema>;
export type OutcomeResult = z.infer<(typeof outcomeResults)[CommandKind]>;

export interface Outcome {
  commandId: string;
  kind: CommandKind;
  status: OutcomeStatus;
  result: OutcomeResult | Record<string, never>;
}

/** The reply to a caller that waits for a command. `position` makes a later read show what was done. */
export const replySchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('outcome'),
    commandId: uuidSchema,
    status: outcomeStatusSchema,
    /** True: decided before, for an earlier sending of the same command. */
    repeated: z.boolean(),
    result: z.record(z.string(), z.unknown()),
  }),
  z.object({ type: z.literal('key-conflict'), commandId: uuidSchema }),
  z.object({ type: z.literal('dead-letter'), commandId: uuidSchema, reason: z.string() }),
]);
export type Reply = z.infer<typeof replySchema>;

/** All replies of one batch to one caller's process. */
export const replyMessageSchema = z.object({
  version: z.literal(1),
  /** `EcoMarket-Position` of the batch, such as `g1=3.<tag>.42`. */
  position: z.string(),
  /**
   * `stamp` is that of the requesting command: another sending under the same id has another stamp and another reply.
   */
  replies: z.array(z.object({ stamp: stampSchema, reply: replySchema })),
});
export type ReplyMessage = z.infer<typeof replyMessageSchema>;
