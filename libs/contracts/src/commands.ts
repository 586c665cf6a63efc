import { z } from 'zod';
import { discardDeadLetterSchema, replaySchema } from './dead-letters.js';
import {
  adjustStockSchema,
  cancelOrderSchema,
  confirmReservationSchema,
  countStockSchema,
  createReservationSchema,
  expireReservationSchema,
  fulfilOrderSchema,
  receiveStockSchema,
  receiveTransferSchema,
  releaseReservationSchema,
  returnOrderSchema,
  sendTransferSchema,
} from './inventory-commands.js';
import { orderLinesSchema } from './order-lines.js';
import {
  centsSchema,
  customerIdSchema,
  emailSchema,
  lineQuantitySchema,
  nameInLogsSchema,
  personNameSchema,
  productIdSchema,
  productNameSchema,
  stockQuantitySchema,
  takenAtSchema,
  timestampSchema,
  uuidSchema,
} from './primitives.js';
import { stampSchema } from './stamp.js';

/**
 * Commands: requests, by id. A command may be sent any number of times: the first outcome stored for its id is the
 * outcome. Times are in the envelope and not in the body, so that a retried request has the same body.
 */

export const placeOrderSchema = z.strictObject({
  /** Also the command's id. Its 12-bit field names the customer's bucket. */
  orderId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAtSchema,
  lines: orderLinesSchema,
});

export const editCartSchema = z.strictObject({
  customerId: customerIdSchema,
  productId: productIdSchema,
  /** 0 removes the item and leaves a tombstone, so that a late older edit changes nothing. */
  quantity: z.union([z.literal(0), lineQuantitySchema]),
});

export const clearCartSchema = z.strictObject({ customerId: customerIdSchema });

/** Orders the content of the cart at the time of the decision. A rejected order does not change the cart. */
export const checkOutCartSchema = z.strictObject({
  orderId: uuidSchema,
  customerId: customerIdSchema,
  branchId: takenAtSchema,
});

export const registerCustomerSchema = z.strictObject({
  customerId: customerIdSchema,
  name: personNameSchema,
  email: emailSchema,
  branchId: takenAtSchema,
});

export const createProductSchema = z.strictObject({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
  /** Units received at `central` with the product. */
  stock: stockQuantitySchema,
});

export const updateProductSchema = z.strictObject({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
});

export const deleteProductSchema = z.strictObject({ productId: productIdSchema });

/** The queue of its group that a command goes to. */
export type QueueKind = 'orders' | 'products';

/**
 * The route of a command, and the queue that the route leads to. Commands that are accepted first and decided later use
 * `orders`. The others are answered within their request and must not wait behind a backlog of orders: `counter` for
 * commands that a branch may send, `products` for those of the head office only. Broker permissions restrict each user
 * to its routes.
 */
export const commandRoutes = {
  orders: 'orders',
  counter: 'products',
  products: 'products',
} as const satisfies Record<string, QueueKind>;
export type CommandRoute = keyof typeof commandRoutes;

/** Each kind of command: its body, its key, and the topic of its changes. */
export const commandKinds = {
  'order.place': { body: placeOrderSchema, key: 'customerId', route: 'orders', topic: 'orders' },
  'cart.edit': { body: editCartSchema, key: 'customerId', route: 'orders', topic: 'carts' },
  'cart.clear': { body: clearCartSchema, key: 'customerId', route: 'orders', topic: 'carts' },
  'cart.checkout': { body: checkOutCartSchema, key: 'customerId', route: 'orders', topic: 'orders' },
  'customer.register': { body: registerCustomerSchema, key: 'customerId', route: 'orders', topic: 'customers' },
  'product.create': { body: createProductSchema, key: 'productId', route: 'products', topic: 'products' },
  'product.update': { body: updateProductSchema, key: 'productId', route: 'products', topic: 'products' },
  'product.delete': { body: deleteProductSchema, key: 'productId', route: 'products', topic: 'products' },
  'reservation.create': { body: createReservationSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'reservation.confirm': { body: confirmReservationSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'reservation.release': { body: releaseReservationSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'reservation.expire': { body: expireReservationSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'order.cancel': { body: cancelOrderSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'order.fulfil': { body: fulfilOrderSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'order.return': { body: returnOrderSchema, key: 'customerId', route: 'counter', topic: 'orders' },
  'stock.receive': { body: receiveStockSchema, key: 'productId', route: 'products', topic: 'stock' },
  'stock.adjust': { body: adjustStockSchema, key: 'productId', route: 'products', topic: 'stock' },
  'stock.count': { body: countStockSchema, key: 'productId', route: 'products', topic: 'stock' },
  'transfer.send': { body: sendTransferSchema, key: 'productId', route: 'products', topic: 'stock' },
  'transfer.receive': { body: receiveTransferSchema, key: 'productId', route: 'counter', topic: 'stock' },
  // It goes to the dead letter's group, whichever that is, and only operators learn of it.
  'dead-letter.discard': { body: discardDeadLetterSchema, key: 'commandId', route: 'products', topic: null },
} as const satisfies Record<
  string,
  { body: z.ZodType; key: 'customerId' | 'productId' | 'commandId'; route: CommandRoute; topic: string | null }
>;

export type CommandKind = keyof typeof commandKinds;
export type CommandBody<K extends CommandKind> = z.infer<(typeof commandKinds)[K]['body']>;

const envelopeFields = {
  /** Any UUID; for a command that makes an order, a reservation or a transfer, the id of that. */
  id: uuidSchema,
  /** Made by the sender; it also contains the time. */
  stamp: stampSchema,
  /** Process that sent it, for people who investigate. */
  sentBy: nameInLogsSchema,
  /** Follows one request through messages and logs. */
  correlationId: nameInLogsSchema,
  /** After this time, by the group's clock, it is not carried out and never will be. Absent: no limit. */
  notAfter: timestampSchema.optional(),
  /** True: a caller waits for the outcome at the message's `replyTo`. */
  reply: z.boolean().optional(),
  /** The dead letter that an operator wants to be tried again. */
  replay: replaySchema.optional(),
};

type EnvelopeOf<K extends CommandKind> = K extends CommandKind
  ? z.infer<z.ZodObject<typeof envelopeFields>> & { kind: K; body: CommandBody<K> }
  : never;

/** One command in its envelope. `body` contains only the request: its hash distinguishes a repeat from a conflict. */
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

/** Limits of one message: what a publisher gathers while a confirm is outstanding. */
export const MAX_COMMANDS_PER_MESSAGE = 256;
export const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * A message in a command queue: one or more commands. A reader parses the outer shape first and then each command
 * separately, so that one bad command does not affect its neighbours. Versions. 1: first.
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
  if ('customerId' in body) return body.customerId;
  return 'productId' in body ? body.productId : body.commandId;
}
