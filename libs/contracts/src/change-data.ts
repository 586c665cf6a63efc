import { z } from 'zod';
import type { ChangeType } from './changes.js';
import {
  orderConfirmedSchema,
  orderEndedSchema,
  orderRejectedSchema,
  orderReturnedSchema,
  reservationEndedSchema,
  reservationHeldSchema,
} from './outcomes.js';
import { orderLineSchema } from './order-lines.js';
import {
  branchIdSchema,
  centsSchema,
  customerIdSchema,
  productIdSchema,
  productNameSchema,
  uuidSchema,
} from './primitives.js';

const takenBy = { customerId: customerIdSchema, branchId: branchIdSchema.nullable() };

/** Units of an order with their selling price, so that a consumer need not store orders to know their value. */
const soldLineSchema = orderLineSchema.extend({ unitPriceCents: centsSchema });

/** Why a level changed; the movement's command has the details. */
export const movementSchema = z.enum([
  'received',
  'reserved',
  'released',
  'fulfilled',
  'returned',
  'adjusted',
  'counted',
  'sent',
  'arrived',
]);
export type MovementKind = z.infer<typeof movementSchema>;

/** What a change of each type carries in `data`. */
export const changeData = {
  'order.confirmed': orderConfirmedSchema.extend({
    ...takenBy,
    /** The reservation whose units it took over; absent: it reserved them itself. */
    reservationId: uuidSchema.optional(),
  }),
  'order.rejected': orderRejectedSchema.extend(takenBy),
  'order.cancelled': orderEndedSchema.extend({
    ...takenBy,
    lines: z.array(soldLineSchema),
    totalCents: z.number().int(),
  }),
  'order.fulfilled': orderEndedSchema.extend({ ...takenBy, totalCents: z.number().int() }),
  'order.returned': orderReturnedSchema.extend({
    ...takenBy,
    /** Returned with this command. */
    lines: z.array(soldLineSchema.extend({ unitsKept: z.number().int() })),
    /**
     * Units of the order that are not returned; in a line above: of its product. 0: the last of them was just returned.
     */
    unitsKept: z.number().int(),
  }),
  'reservation.created': reservationHeldSchema.extend(takenBy),
  'reservation.released': reservationEndedSchema.extend(takenBy),
  'reservation.expired': reservationEndedSchema.extend(takenBy),
  'stock.changed': z.object({
    productId: productIdSchema,
    location: z.string(),
    /** Number of the movement at this product and location, without gaps. */
    sequence: z.number().int(),
    movement: movementSchema,
    onHandDelta: z.number().int(),
    reservedDelta: z.number().int(),
    /** After the movement. */
    onHand: z.number().int(),
    reserved: z.number().int(),
  }),
  'product.created': z.object({
    productId: productIdSchema,
    name: productNameSchema,
    priceCents: centsSchema,
    version: z.number().int(),
  }),
  'product.updated': z.object({
    productId: productIdSchema,
    name: productNameSchema,
    priceCents: centsSchema,
    version: z.number().int(),
  }),
  'product.deleted': z.object({ productId: productIdSchema, version: z.number().int() }),
  'customer.registered': z.object({
    ...takenBy,
    name: z.string(),
    email: z.string(),
    registeredAt: z.iso.datetime(),
  }),
  'cart.changed': z.object({ customerId: customerIdSchema }),
} as const satisfies Record<ChangeType, z.ZodType>;

export type ChangeData<T extends ChangeType> = z.infer<(typeof changeData)[T]>;
