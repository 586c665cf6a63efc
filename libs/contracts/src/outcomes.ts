import { z } from 'zod';
import {
  centsSchema,
  customerIdSchema,
  lineQuantitySchema,
  productIdSchema,
  productNameSchema,
  uuidSchema,
} from './primitives.js';
import { stampSchema } from './stamp.js';
import type { CommandKind } from './commands.js';

/**
 * Outcomes: what was decided for a command, kept with its id for good. In order of precedence when a command is
 * decided: (1) an outcome is there already: the same body gets it again, another body is a key conflict and leaves no
 * trace; (2) `expired`: it came after its `notAfter`; (3) `refused`: the rules of its kind say no; (4) `done`.
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

/** Why a command of some kind was refused, for programs; people get the problem type's words. */
export const refusalSchema = z.object({
  reason: z.enum(['order-rejected', 'cart-empty', 'customer-exists', 'product-exists', 'product-unknown']),
});

const orderResult = z.union([orderConfirmedSchema, orderRejectedSchema, refusalSchema]);
const productResult = z.union([z.object({ productId: productIdSchema, version: z.number().int() }), refusalSchema]);

/** What an outcome says, by kind of command. */
export const outcomeResults = {
  'order.place': orderResult,
  'cart.checkout': orderResult,
  'cart.edit': z.object({ applied: z.boolean() }),
  'cart.clear': z.object({ applied: z.boolean() }),
  'customer.register': z.union([z.object({ customerId: customerIdSchema }), refusalSchema]),
  'product.create': productResult,
  'product.update': productResult,
  'product.delete': productResult,
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
