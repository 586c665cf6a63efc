import { z } from 'zod';
import { commandBody, defineCommand } from './define-command.js';
import { shortLineSchema } from './order-lines.js';
import {
  locationSchema,
  movedQuantitySchema,
  productIdSchema,
  releasingLocationSchema,
  stockDeltaSchema,
  levelQuantitySchema,
  stockReasonSchema,
} from './primitives.js';
import { productUnknown } from './products.js';

/** Stock: the level of a product at a location, which only movements change. */

/** The reason why a level changed. The movement's command has the details. */
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
  'sold',
  'voided',
  'written-off',
  'settled',
]);
export type MovementKind = z.infer<typeof movementSchema>;

/** Published by the ledger for each movement, whichever kind of command causes it. */
export const movementChange = {
  'stock.changed': z.object({
    productId: productIdSchema,
    location: z.string(),
    /** Number of the movement at this product and location, without gaps. */
    sequence: z.number().int(),
    movement: movementSchema,
    onHandDelta: z.number().int(),
    reservedDelta: z.number().int(),
    /** Units on hand after the movement. */
    onHand: z.number().int(),
    reserved: z.number().int(),
  }),
};

/** One movement and the resulting level. */
export const stockMovedSchema = z.object({
  productId: productIdSchema,
  location: releasingLocationSchema,
  /** Change of the units on hand. 0: a count matched the record, so there is no movement. */
  delta: z.number().int(),
  onHand: z.number().int(),
  reserved: z.number().int(),
  available: z.number().int(),
  /** Number of the level's last movement. */
  sequence: z.number().int(),
});
export type StockMoved = z.infer<typeof stockMovedSchema>;

export const locationUnknown = {
  'location-unknown': {
    status: 404,
    title: 'There is no such location',
    details: z.object({ unknownLocations: z.array(z.string()) }),
  },
} as const;
export const stockShort = {
  'stock-short': {
    status: 409,
    title: 'There are not enough units',
    details: z.object({
      short: z.array(shortLineSchema),
      /** Other requested products, which are not in the catalogue. */
      unknownProducts: z.array(z.string()).optional(),
    }),
  },
} as const;

/** A branch spends its units while it is cut off, so nobody else may take them. */
export const heldByBranch = {
  'held-by-branch': { status: 409, title: 'The units belong to the branch, which alone may move or count them' },
} as const;

const levelOf = { productId: productIdSchema, location: locationSchema };

export const stockCommands = {
  'stock.receive': defineCommand({
    body: commandBody({ ...levelOf, quantity: movedQuantitySchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'stock',
    mayWait: false,
    result: stockMovedSchema,
    refusals: { ...productUnknown, ...locationUnknown },
  }),
  /** Changes the units on hand by a difference, but never below the reserved units. */
  'stock.adjust': defineCommand({
    body: commandBody({
      ...levelOf,
      location: releasingLocationSchema,
      delta: stockDeltaSchema,
      reason: stockReasonSchema,
    }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'stock',
    mayWait: false,
    result: stockMovedSchema.extend({ reason: z.string() }),
    refusals: { ...productUnknown, ...locationUnknown, ...heldByBranch, ...stockShort },
  }),
  /** Compare-and-set: `counted` becomes the level if that is still `expected`. */
  'stock.count': defineCommand({
    body: commandBody({
      ...levelOf,
      /** Recorded units on hand, as the counter assumes. */
      expected: levelQuantitySchema,
      counted: levelQuantitySchema,
    }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'stock',
    mayWait: false,
    result: stockMovedSchema,
    refusals: {
      ...productUnknown,
      ...locationUnknown,
      ...heldByBranch,
      'stock-count-stale': {
        status: 409,
        title: 'The level differs from the one that the count expects',
        details: z.object({ expected: z.number().int(), onHand: z.number().int() }),
      },
      ...stockShort,
    },
  }),
};
