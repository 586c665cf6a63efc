import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import {
  branchIdSchema,
  locationSchema,
  movedQuantitySchema,
  productIdSchema,
  releasingLocationSchema,
  stockReasonSchema,
  uuidSchema,
} from './primitives.js';
import { productUnknown } from './products.js';
import { heldByBranch, locationUnknown, stockMovedSchema, stockShort } from './stock.js';

/** Transfers of stock between two locations. */

export const transferStatusSchema = z.enum(['in-transit', 'arrived', 'written-off']);

/** A movement of a transfer, at the location where it happened. */
export const transferMovedSchema = stockMovedSchema.extend({
  transferId: uuidSchema,
  status: transferStatusSchema,
  from: releasingLocationSchema,
  to: locationSchema,
  quantity: z.number().int(),
});

/** The units that never arrived, and the reason. */
export const transferWrittenOffSchema = z.object({
  transferId: uuidSchema,
  status: z.literal('written-off'),
  productId: productIdSchema,
  from: releasingLocationSchema,
  to: locationSchema,
  quantity: z.number().int(),
  reason: stockReasonSchema,
});

export const transferEnded = {
  'transfer-unknown': { status: 404, title: 'There is no such transfer' },
  'transfer-arrived': { status: 409, title: 'The transfer has arrived already' },
  'transfer-written-off': { status: 409, title: 'The transfer was written off' },
} as const;

export const transferCommands = {
  /**
   * The units leave one location and are in transit until `transfer.receive`, or `quota.accept` of a branch. The
   * movement is a change of the topic `stock`. The branch that is to receive them follows `quotas`.
   */
  'transfer.send': defineCommand({
    body: commandBody({
      /** Id of the transfer and of the command. Its 12-bit field names the product's bucket. */
      transferId: uuidSchema,
      productId: productIdSchema,
      from: releasingLocationSchema,
      to: locationSchema,
      quantity: movedQuantitySchema,
    }).refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another location than from' }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'quotas',
    makes: 'transferId',
    mayWait: false,
    result: transferMovedSchema,
    change: {
      'transfer.sent': z.object({
        transferId: uuidSchema,
        /** The branch that is to receive the units. */
        branchId: branchIdSchema,
        productId: productIdSchema,
        from: releasingLocationSchema,
        quantity: z.number().int(),
      }),
    },
    refusals: { ...productUnknown, ...locationUnknown, ...heldByBranch, ...stockShort },
  }),
  'transfer.receive': defineCommand({
    body: commandBody({ transferId: uuidSchema, productId: productIdSchema }),
    key: 'productId',
    route: 'counter',
    senders: branches.owning,
    topic: 'stock',
    mayWait: false,
    result: transferMovedSchema,
    refusals: transferEnded,
  }),
  /** Ends a transfer whose units are lost. In the ledger they arrive and are adjusted away at once. */
  'transfer.write-off': defineCommand({
    body: commandBody({ transferId: uuidSchema, productId: productIdSchema, reason: stockReasonSchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'stock',
    mayWait: false,
    result: transferWrittenOffSchema,
    refusals: transferEnded,
  }),
};
