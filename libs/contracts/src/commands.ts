import { z } from 'zod';
import {
  branchIdSchema,
  centsSchema,
  customerIdSchema,
  emailSchema,
  lineQuantitySchema,
  personNameSchema,
  productIdSchema,
  productNameSchema,
  stockQuantitySchema,
  timestampSchema,
  uuidSchema,
} from './primitives.js';
import { stampSchema } from './stamp.js';

/**
 * Commands: what somebody asked for, by id. A command is safe to send any number of times: the first outcome written
 * for its id is the outcome. Times are in the envelope, not in the body, so that a retried request has the same body.
 */

export const MAX_ORDER_LINES = 200;

export const orderLineSchema = z.strictObject({ productId: productIdSchema, quantity: lineQuantitySchema });
export type OrderLine = z.infer<typeof orderLineSchema>;

/** Faults name the second line of a product, since the first alone would be right. */
export const orderLinesSchema = z
  .array(orderLineSchema)
  .min(1, 'must hold at least 1 line')
  .max(MAX_ORDER_LINES, `must hold at most ${MAX_ORDER_LINES} lines`)
  .superRefine(
    (lines: readonly (Partial<OrderLine> | null)[], context) => {
      const seen = new Map<string, number>();
      lines.forEach((line, index) => {
        const productId: unknown = line?.productId;
        if (typeof productId !== 'string') return;
        const first = seen.get(productId);
        if (first === undefined) seen.set(productId, index);
        else
          context.addIssue({
            code: 'custom',
            path: [index, 'productId'],
            message: `names the same product as line ${first}: put the units into one line`,
          });
      });
    },
    // Also beside other faults, which zod would have it wait for: an answer names them all.
    { when: ({ value }) => Array.isArray(value) },
  );

/** Where an order came in; null: at the head office. */
const takenAt = branchIdSchema.nullable().meta({ description: 'Branch that took it; null: Central' });

export const placeOrderSchema = z.strictObject({
  /** Also the command's id. Its 12-bit field names the customer's bucket. */
  orderId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAt,
  lines: orderLinesSchema,
});

export const editCartSchema = z.strictObject({
  customerId: customerIdSchema,
  productId: productIdSchema,
  /** 0 takes the item out and leaves a tombstone, so that an older edit that arrives late changes nothing. */
  quantity: z.union([z.literal(0), lineQuantitySchema]),
});

export const clearCartSchema = z.strictObject({ customerId: customerIdSchema });

/** Becomes an order of what the cart holds when it is decided. A rejected order leaves the cart as it was. */
export const checkOutCartSchema = z.strictObject({
  orderId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAt,
});

export const registerCustomerSchema = z.strictObject({
  customerId: customerIdSchema,
  name: personNameSchema,
  email: emailSchema,
  branchId: takenAt,
});

export const createProductSchema = z.strictObject({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
  /** Units received at `central` with it. */
  stock: stockQuantitySchema,
});

export const updateProductSchema = z.strictObject({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
});

export const deleteProductSchema = z.strictObject({ productId: productIdSchema });

/** Which queue of its group a command takes: an answer about a product does not wait behind a backlog of orders. */
export type QueueKind = 'orders' | 'products';

/** Each kind of command: its body, what its key is, the topic that its changes appear under. */
export const commandKinds = {
  'order.place': { body: placeOrderSchema, key: 'customerId', queue: 'orders', topic: 'orders' },
  'cart.edit': { body: editCartSchema, key: 'customerId', queue: 'orders', topic: 'carts' },
  'cart.clear': { body: clearCartSchema, key: 'customerId', queue: 'orders', topic: 'carts' },
  'cart.checkout': { body: checkOutCartSchema, key: 'customerId', queue: 'orders', topic: 'orders' },
  'customer.register': { body: registerCustomerSchema, key: 'customerId', queue: 'orders', topic: 'customers' },
  'product.create': { body: createProductSchema, key: 'productId', queue: 'products', topic: 'products' },
  'product.update': { body: updateProductSchema, key: 'productId', queue: 'products', topic: 'products' },
  'product.delete': { body: deleteProductSchema, key: 'productId', queue: 'products', topic: 'products' },
} as const satisfies Record<
  string,
  { body: z.ZodType; key: 'customerId' | 'productId'; queue: QueueKind; topic: string }
>;

export type CommandKind = keyof typeof commandKinds;
export type CommandBody<K extends CommandKind> = z.infer<(typeof commandKinds)[K]['body']>;

const envelopeFields = {
  /** Any UUID; for `order.place` and `cart.checkout` the order's. */
  id: uuidSchema,
  /** Made by the sender; tells when, too. */
  stamp: stampSchema,
  /** Process that sent it, for people who look for its cause. */
  sentBy: z.string().min(1).max(128),
  /** Follows one request through messages and logs. */
  correlationId: z.string().min(1).max(128),
  /** Past this by the group's clock it is not done and never will be. Absent: no limit. */
  notAfter: timestampSchema.optional(),
  /** True: somebody waits for the outcome at the message's `replyTo`. */
  reply: z.boolean().optional(),
};

type EnvelopeOf<K extends CommandKind> = K extends CommandKind
  ? z.infer<z.ZodObject<typeof envelopeFields>> & { kind: K; body: CommandBody<K> }
  : never;

/** One command in its envelope. `body` holds what is asked and nothing else: its hash tells a repeat from a conflict. */
export type Command = EnvelopeOf<CommandKind>;
export type CommandOf<K extends CommandKind> = EnvelopeOf<K>;

/** Each kind of command in its envelope. */
export const commandSchemas = Object.fromEntries(
  (Object.keys(commandKinds) as CommandKind[]).map((kind) => [
    kind,
    z.strictObject({ ...envelopeFields, kind: z.literal(kind), body: commandKinds[kind].body }),
  ]),
) as unknown as { [K in CommandKind]: z.ZodType<CommandOf<K>> };

export const commandSchema = z.discriminatedUnion(
  'kind',
  Object.values(commandSchemas) as unknown as [z.ZodObject],
) as unknown as z.ZodType<Command>;

/** Limits of one message: what a publisher gathers while a confirm is under way. */
export const MAX_COMMANDS_PER_MESSAGE = 256;
export const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * What lies in a command queue: one or more commands. A reader takes the outer shape first and each command by itself,
 * so that one bad command does not spoil its neighbours.
 *
 * Versions. 1: first.
 */
export const COMMAND_MESSAGE_VERSION = 1;
export const commandMessageSchema = z.object({
  version: z.literal(COMMAND_MESSAGE_VERSION),
  commands: z.array(z.unknown()).min(1).max(MAX_COMMANDS_PER_MESSAGE),
});
export interface CommandMessage {
  version: typeof COMMAND_MESSAGE_VERSION;
  commands: Command[];
}

/** The key whose hash names the command's bucket. */
export function keyOf(command: Pick<Command, 'kind' | 'body'>): string {
  const { body } = command;
  return 'customerId' in body ? body.customerId : body.productId;
}
