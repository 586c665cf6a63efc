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
 * Outcomes: what was decided for a command, kept with its id for good. In order of precedence when a command is
 * decided: (1) an outcome is there already: the same body gets it again, another body is a key conflict and leaves no
 * trace; (2) `expired`: it came after its `notAfter`; (3) `refused`: a cancel or release of its id came before it, or the
 * rules of its kind say no; (4) `done`.
 * `discarded` is written by an operator for a dead letter.
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

/** One line that could not be had: what was asked, what was there when it was decided. */
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

/** An order that is over: `lines` says which units were let go or left. None: the cancel came before the order. */
export const orderEndedSchema = z.object({
  orderId: uuidSchema,
  status: z.enum(['cancelled', 'fulfilled']),
  lines: z.array(orderLineSchema),
});
export const orderReturnedSchema = z.object({
  orderId: uuidSchema,
  location: locationSchema,
  /** Come back with this command. */
  lines: z.array(orderLineSchema),
  /** Come back so far. */
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
  /** From then on it holds nothing. */
  expiresAt: timestampSchema,
});
/** `lines`: the units that are let go. None: the release came before the reservation. */
export const reservationEndedSchema = z.object({
  reservationId: uuidSchema,
  status: z.enum(['released', 'expired']),
  lines: z.array(orderLineSchema),
});

/** One movement, and the level that it left. */
export const stockMovedSchema = z.object({
  productId: productIdSchema,
  location: locationSchema,
  /** Units more on hand; 0: a count that found what was recorded, which is no movement. */
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
 * Why a command of some kind was refused, for programs; people get the problem type's words. Members beside it say more:
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
 * What became of an edit of a cart. `superseded`: a later edit of its product was there already; `cleared`: the cart was
 * emptied later; `ordered`: a checkout that did not wait for this one ordered the product, as `orderId`. A clear that is
 * applied and says `ordered` emptied the cart of what had not been ordered by then.
 */
export const cartEditedSchema = z.object({
  /** False: the cart is as it would be without it. */
  applied: z.boolean(),
  reason: z.enum(['superseded', 'cleared', 'ordered']).optional(),
  /** Of what it lost to. */
  stamp: stampSchema.optional(),
  orderId: uuidSchema.optional(),
});
export type CartEdited = z.infer<typeof cartEditedSchema>;

const orderResult = z.union([orderConfirmedSchema, orderRejectedSchema, refusalSchema]);
const productResult = z.union([z.object({ productId: productIdSchema, version: z.number().int() }), refusalSchema]);

/** What an outcome says, by kind of command. */
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

/** What somebody who waits for a command is told. `position` makes a later read show what was done. */
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

/** All that one batch has to tell one asker's process. */
export const replyMessageSchema = z.object({
  version: z.literal(1),
  /** `EcoMarket-Position` of the batch, such as `g1=3.<tag>.42`. */
  position: z.string(),
  /** `stamp` is that of the command which asked: another sending under the same id has another, and another answer. */
  replies: z.array(z.object({ stamp: stampSchema, reply: replySchema })),
});
export type ReplyMessage = z.infer<typeof replyMessageSchema>;
