import { z } from 'zod';
import { commandBody, defineCommand } from './define-command.js';
import {
  centsSchema,
  productIdSchema,
  productNameSchema,
  stockQuantitySchema,
  taxBasisPointsSchema,
} from './primitives.js';

/** The catalogue. A product's version counts its changes. */

/** Most versions that a condition may name. */
export const VERSIONS_MAX = 20;

const productVersionSchema = z.object({ productId: productIdSchema, version: z.number().int() });
/** The result of a creation. */
export const productCreatedSchema = productVersionSchema.extend({
  /**
   * Level at `central` after the creation: the first units, and those that were there already if the product existed
   * before. Absent: an older writer decided.
   */
  level: z.object({ onHand: z.number().int(), reserved: z.number().int(), available: z.number().int() }).optional(),
});
const productChangedSchema = z.object({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
  version: z.number().int(),
  /** Absent: the chain's default rate. */
  taxBasisPoints: taxBasisPointsSchema.optional(),
});

/** The versions of which the product must have one, so that a change undoes no other. Absent: any. */
const ifVersionsSchema = z
  .array(z.int().min(0))
  .min(1)
  .max(VERSIONS_MAX)
  .optional()
  .meta({ description: 'Only if the product has one of these versions' });

const productChanged = {
  'product-changed': {
    status: 412,
    title: 'The product has another version',
    details: z.object({ version: z.number().int() }),
  },
} as const;

/** The details are absent if the command names only one product. */
export const productUnknown = {
  'product-unknown': {
    status: 404,
    title: 'There is no such product',
    details: z.object({
      unknownProducts: z.array(z.string()).optional(),
      unknownLocations: z.array(z.string()).optional(),
    }),
  },
} as const;

export const productCommands = {
  'product.create': defineCommand({
    body: commandBody({
      productId: productIdSchema,
      name: productNameSchema,
      priceCents: centsSchema,
      /** Tax that the price includes. Absent: the chain's default rate. */
      taxBasisPoints: taxBasisPointsSchema.optional(),
      /** Units received at `central` with the product. */
      stock: stockQuantitySchema,
    }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'products',
    mayWait: false,
    result: productCreatedSchema,
    change: { 'product.created': productChangedSchema },
    refusals: { 'product-exists': { status: 409, title: 'The product exists already' } },
  }),
  'product.update': defineCommand({
    body: commandBody({
      productId: productIdSchema,
      /** Absent, here and below: unchanged. */
      name: productNameSchema.optional(),
      priceCents: centsSchema.optional(),
      /** Null: the chain's default rate. */
      taxBasisPoints: taxBasisPointsSchema
        .nullable()
        .optional()
        .meta({ description: 'Tax in hundredths of a percent. Null: the rate of the chain; absent: as before' }),
      ifVersions: ifVersionsSchema,
    }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'products',
    mayWait: false,
    result: productVersionSchema,
    change: { 'product.updated': productChangedSchema },
    refusals: { ...productUnknown, ...productChanged },
  }),
  'product.delete': defineCommand({
    body: commandBody({ productId: productIdSchema, ifVersions: ifVersionsSchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'products',
    mayWait: false,
    result: productVersionSchema,
    change: { 'product.deleted': productVersionSchema },
    refusals: { ...productUnknown, ...productChanged },
  }),
};
