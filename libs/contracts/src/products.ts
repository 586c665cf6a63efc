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

const productVersionSchema = z.object({ productId: productIdSchema, version: z.number().int() });
const productChangedSchema = z.object({
  productId: productIdSchema,
  name: productNameSchema,
  priceCents: centsSchema,
  version: z.number().int(),
  /** Absent: the chain's default rate. */
  taxBasisPoints: taxBasisPointsSchema.optional(),
});

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
    result: productVersionSchema,
    change: { 'product.created': productChangedSchema },
    refusals: { 'product-exists': { status: 409, title: 'The product exists already' } },
  }),
  'product.update': defineCommand({
    body: commandBody({
      productId: productIdSchema,
      name: productNameSchema,
      priceCents: centsSchema,
      /** Absent: unchanged. */
      taxBasisPoints: taxBasisPointsSchema.optional(),
    }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'products',
    mayWait: false,
    result: productVersionSchema,
    change: { 'product.updated': productChangedSchema },
    refusals: productUnknown,
  }),
  'product.delete': defineCommand({
    body: commandBody({ productId: productIdSchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'products',
    mayWait: false,
    result: productVersionSchema,
    change: { 'product.deleted': productVersionSchema },
    refusals: productUnknown,
  }),
};
