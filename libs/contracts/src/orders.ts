import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import { orderLineSchema, commandLinesSchema, pricedLineSchema, shortLineSchema } from './order-lines.js';
import {
  centsSchema,
  customerIdSchema,
  locationSchema,
  productIdSchema,
  takenAtSchema,
  takenBy,
  uuidSchema,
} from './primitives.js';
import { locationUnknown } from './stock.js';

/** Orders: placed, then cancelled, or fulfilled and perhaps returned. */

export const orderStatusSchema = z.enum(['confirmed', 'rejected', 'cancelled', 'fulfilled']);
export type OrderStatus = z.infer<typeof orderStatusSchema>;

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
  /** Units that this command returned. */
  lines: z.array(orderLineSchema),
  /** Units that were returned so far. */
  returned: z.array(orderLineSchema),
});

/** Units of an order with their selling price. A consumer can compute their value without storing orders. */
const soldLineSchema = orderLineSchema.extend({ unitPriceCents: centsSchema });

/** A cancellation of the order's id arrived first. */
export const orderCancelledBefore = {
  'order-cancelled': { status: 409, title: 'The order was cancelled before it arrived' },
} as const;
const orderUnknown = { 'order-unknown': { status: 404, title: 'There is no such order' } } as const;
const orderNotOpen = {
  'order-not-open': {
    status: 409,
    title: 'The order is not waiting to be fulfilled',
    details: z.object({ orderStatus: orderStatusSchema }),
  },
} as const;

/** Fields of every command that makes an order, from a request, a cart or a reservation. */
export const orderMade = {
  makes: 'orderId',
  result: orderConfirmedSchema,
  change: {
    'order.confirmed': orderConfirmedSchema.extend({
      ...takenBy,
      /** The reservation whose units it took over; absent: it reserved them itself. */
      reservationId: uuidSchema.optional(),
    }),
  },
} as const;
/** The rejection of a command that makes an order. The order then exists with the status `rejected`. */
export const orderRejection = {
  result: orderRejectedSchema,
  change: { 'order.rejected': orderRejectedSchema.extend(takenBy) },
};
export const orderRejected = { 'order-rejected': { status: 409, title: 'The order was rejected' } } as const;

export const orderCommands = {
  'order.place': defineCommand({
    body: commandBody({
      /** Id of the order and of the command. Its 12-bit field names the customer's bucket. */
      orderId: uuidSchema,
      customerId: customerIdSchema,
      branchId: takenAtSchema,
      lines: commandLinesSchema,
    }),
    key: 'customerId',
    route: 'orders',
    senders: branches.named,
    topic: 'orders',
    mayWait: true,
    ...orderMade,
    rejection: orderRejection,
    refusals: { ...orderRejected, ...orderCancelledBefore },
  }),
  /** If the order has not arrived yet, a tombstone is left, so that it is refused when it does. */
  'order.cancel': defineCommand({
    body: commandBody({ orderId: uuidSchema, customerId: customerIdSchema }),
    key: 'customerId',
    route: 'counter',
    senders: branches.owning,
    topic: 'orders',
    mayWait: false,
    result: orderEndedSchema,
    change: {
      'order.cancelled': orderEndedSchema.extend({
        ...takenBy,
        lines: z.array(soldLineSchema),
        totalCents: z.number().int(),
      }),
    },
    refusals: { ...orderUnknown, ...orderNotOpen },
  }),
  /** Marks the order as handed over: its units leave the shelf. */
  'order.fulfil': defineCommand({
    body: commandBody({ orderId: uuidSchema, customerId: customerIdSchema }),
    key: 'customerId',
    route: 'counter',
    senders: branches.owning,
    topic: 'orders',
    mayWait: false,
    result: orderEndedSchema,
    change: { 'order.fulfilled': orderEndedSchema.extend({ ...takenBy, totalCents: z.number().int() }) },
    refusals: { ...orderUnknown, ...orderNotOpen },
  }),
  /** Returns units of a fulfilled order, at most as many of a product as the order had. */
  'order.return': defineCommand({
    body: commandBody({
      orderId: uuidSchema,
      customerId: customerIdSchema,
      /** Location of the units now. */
      location: locationSchema,
      lines: commandLinesSchema,
    }),
    key: 'customerId',
    route: 'counter',
    senders: branches.atOwnLocation,
    topic: 'orders',
    mayWait: false,
    result: orderReturnedSchema,
    change: {
      'order.returned': orderReturnedSchema.extend({
        ...takenBy,
        /** Units that this command returned. */
        lines: z.array(soldLineSchema.extend({ unitsKept: z.number().int() })),
        /**
         * Units that are not returned: here of the whole order, in a line of its product. 0: this command returned the
         * last of them.
         */
        unitsKept: z.number().int(),
      }),
    },
    refusals: {
      ...orderUnknown,
      ...locationUnknown,
      'order-not-fulfilled': {
        status: 409,
        title: 'The order has not been fulfilled',
        details: z.object({ orderStatus: orderStatusSchema }),
      },
      'return-exceeds-order': {
        status: 409,
        title: 'The order had fewer units than would be returned',
        details: z.object({
          /** Every line that asks for too many units. `returnable`: its units that are not returned yet. */
          excess: z.array(
            z.object({ productId: productIdSchema, asked: z.number().int(), returnable: z.number().int() }),
          ),
        }),
      },
    },
  }),
};
