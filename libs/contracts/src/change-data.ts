import { z } from 'zod';
import type { ChangeType } from './changes.js';
import { orderConfirmedSchema, orderRejectedSchema } from './outcomes.js';
import { branchIdSchema, centsSchema, customerIdSchema, productIdSchema, productNameSchema } from './primitives.js';

const takenBy = { customerId: customerIdSchema, branchId: branchIdSchema.nullable() };

/** What a change of each type carries in `data`. */
export const changeData = {
  'order.confirmed': orderConfirmedSchema.extend(takenBy),
  'order.rejected': orderRejectedSchema.extend(takenBy),
  'stock.changed': z.object({
    productId: productIdSchema,
    location: z.string(),
    /** Number of the movement at this product and location, without gaps. */
    sequence: z.number().int(),
    movement: z.enum(['received', 'reserved']),
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
