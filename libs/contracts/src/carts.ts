import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import { orderCancelledBefore, orderMade, orderRejected, orderRejection } from './orders.js';
import { customerIdSchema, lineQuantitySchema, productIdSchema, takenAtSchema, uuidSchema } from './primitives.js';
import { stampSchema } from './stamp.js';

/**
 * The result of a cart edit. The reasons are: `superseded`, a later edit of its product had arrived; `cleared`, the
 * cart was emptied by a later command; `ordered`, the order `orderId` took the product without waiting for this edit. A
 * clear that is applied and reports `ordered` removed everything that had not been ordered by then.
 */
export const cartEditedSchema = z.object({
  /** False: the edit changed nothing in the cart. */
  applied: z.boolean(),
  reason: z.enum(['superseded', 'cleared', 'ordered']).optional(),
  /** Stamp of the edit, clear or checkout that superseded it. */
  stamp: stampSchema.optional(),
  orderId: uuidSchema.optional(),
});
export type CartEdited = z.infer<typeof cartEditedSchema>;

const cartChanged = { 'cart.changed': z.object({ customerId: customerIdSchema }) };

export const cartCommands = {
  'cart.edit': defineCommand({
    body: commandBody({
      customerId: customerIdSchema,
      productId: productIdSchema,
      /** 0 removes the item and leaves a tombstone, so that a late older edit changes nothing. */
      quantity: z.union([z.literal(0), lineQuantitySchema]),
    }),
    key: 'customerId',
    route: 'orders',
    senders: branches.any,
    topic: 'carts',
    mayWait: true,
    result: cartEditedSchema,
    change: cartChanged,
    refusals: {
      'cart-full': {
        status: 409,
        title: 'The cart is full',
        details: z.object({ productsMax: z.number().int() }),
      },
    },
  }),
  'cart.clear': defineCommand({
    body: commandBody({ customerId: customerIdSchema }),
    key: 'customerId',
    route: 'orders',
    senders: branches.any,
    topic: 'carts',
    mayWait: true,
    result: cartEditedSchema,
    change: cartChanged,
    refusals: {},
  }),
  /** Orders the content of the cart at the time of the decision. A rejected order does not change the cart. */
  'cart.checkout': defineCommand({
    body: commandBody({ orderId: uuidSchema, customerId: customerIdSchema, branchId: takenAtSchema }),
    key: 'customerId',
    route: 'orders',
    senders: branches.named,
    topic: 'orders',
    mayWait: true,
    ...orderMade,
    rejection: orderRejection,
    refusals: {
      'cart-empty': { status: 409, title: 'The cart is empty' },
      'order-too-long': {
        status: 409,
        title: 'The order would have too many lines',
        details: z.object({ lines: z.number().int(), linesMax: z.number().int() }),
      },
      ...orderRejected,
      ...orderCancelledBefore,
    },
  }),
};
