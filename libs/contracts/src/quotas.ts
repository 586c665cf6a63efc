import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import { entryFields } from './entries.js';
import {
  branchIdSchema,
  movedQuantitySchema,
  nameInLogsSchema,
  productIdSchema,
  levelQuantitySchema,
  stockReasonSchema,
  uuidSchema,
} from './primitives.js';
import { productUnknown } from './products.js';
import { stockShort } from './stock.js';
import { transferEnded } from './transfers.js';

/**
 * Quotas: units that a holder outside the product's home may spend. A branch's quota of a product is its stock level at
 * the location of the branch. Every step that moves units is a movement in the ledger.
 */

/** Days without an entry of a branch after which it gets no more units. It goes on selling what it holds. */
export const BRANCH_SILENCE_DAYS_MAX = 7;

/*
 * Places at a branch that no command names, in addition to its quota. A location of a client has no slash.
 */

/** Units that customers brought back and that were not of the branch's own sales. */
export const quarantineOf = (branchId: string): string => `${branchId}/quarantine`;
/** Units that a manager has written off. Late sales are taken from them. */
export const writtenOffOf = (branchId: string): string => `${branchId}/written-off`;
/** Units that left the branch beyond its quota. R4 counts them with the opposite sign. */
export const discrepancyOf = (branchId: string): string => `${branchId}/discrepancy`;

/** Id of a transfer. It holds the hash of the product, which is not the key of the command. */
const idInProductBucketSchema = uuidSchema.meta({ description: 'Transfer' });

const unitsAt = { branchId: branchIdSchema, productId: productIdSchema };
const units = { ...unitsAt, quantity: z.number().int() };

export const branchUnknown = {
  'branch-unknown': { status: 404, title: 'There is no such branch' },
} as const;
const branchSilent = {
  'branch-silent': { status: 409, title: 'The branch has not reported for too long' },
} as const;

export const quotaCommands = {
  /** Asks for more units. The home grants what it can spare, at most `quantity`. */
  'quota.fetch': defineCommand({
    body: commandBody({
      /** Id of the grant and of the command: the grant is a transfer. */
      transferId: uuidSchema,
      ...unitsAt,
      quantity: movedQuantitySchema,
      /** Units of the product that the branch has left. */
      remaining: levelQuantitySchema,
    }),
    key: 'productId',
    route: 'counter',
    senders: branches.named,
    topic: 'quotas',
    makes: 'transferId',
    mayWait: true,
    result: z.object({ transferId: uuidSchema, ...units }),
    change: { 'quota.granted': z.object({ transferId: uuidSchema, ...units }) },
    refusals: {
      ...productUnknown,
      ...branchUnknown,
      'nothing-to-grant': { status: 409, title: 'The home has no units to spare' },
      ...branchSilent,
      'branch-frozen': { status: 409, title: 'The branch gets no units until its records are reconciled' },
    },
  }),
  /** The branch has stored a grant or received a transfer: its units are spendable. */
  'quota.accept': defineCommand({
    body: commandBody({
      ...entryFields,
      transferId: idInProductBucketSchema,
      productId: productIdSchema,
      /** Units that have arrived. A restored home may have forgotten them. Absent: the sender is older. */
      quantity: movedQuantitySchema.optional(),
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'quotas',
    mayWait: true,
    result: z.object({
      transferId: uuidSchema,
      ...units,
      /** A restored home did not know the transfer, and has taken its units from the pool. */
      wasForgotten: z.literal(true).optional(),
    }),
    refusals: transferEnded,
  }),
  /** The branch returns units to the home by its own act. */
  'quota.give-back': defineCommand({
    body: commandBody({
      ...entryFields,
      productId: productIdSchema,
      quantity: movedQuantitySchema,
      /** The recall that it answers; null: it answers none. */
      recallId: uuidSchema.nullable(),
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'quotas',
    mayWait: true,
    result: z.object(units),
    change: { 'quota.given-back': z.object({ ...units, recallId: uuidSchema.nullable() }) },
    refusals: stockShort,
  }),
  /** The branch has counted its units of a product. The count settles the discrepancies of the product there. */
  'quota.count': defineCommand({
    body: commandBody({
      ...entryFields,
      productId: productIdSchema,
      /** Units that the branch had recorded. */
      expected: levelQuantitySchema,
      counted: levelQuantitySchema,
      reason: stockReasonSchema,
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'quotas',
    mayWait: true,
    result: z.object({
      ...unitsAt,
      /** Units that the count has found at the branch; negative: units that it misses. */
      delta: z.number().int(),
      /** Units missing at the branch that the head office had not recorded there. */
      excess: z.number().int(),
      settled: z.number().int(),
    }),
    change: { 'quota.counted': z.object({ ...unitsAt, delta: z.number().int(), settled: z.number().int() }) },
    refusals: productUnknown,
  }),
  /**
   * The branch is in touch, with the incarnation that it runs. The first report of an incarnation makes the earlier ones
   * former: the branch then takes over the levels that the head office has recorded.
   */
  'branch.report': defineCommand({
    body: commandBody({
      ...entryFields,
      /** The last restore of the home that the branch knew when it made the report. Absent: none. */
      homeEpoch: nameInLogsSchema.optional(),
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'quotas',
    mayWait: true,
    result: z.object({ branchId: branchIdSchema, incarnation: z.number().int(), isFrozen: z.boolean() }),
    change: {
      'branch.reported': z.object({
        branchId: branchIdSchema,
        incarnation: z.number().int(),
        /** True: this is the incarnation's first report. */
        isNew: z.boolean(),
      }),
    },
    refusals: {},
  }),
  /** Asks an online branch to return what it can spare, at most `quantity`. */
  'quota.recall': defineCommand({
    body: commandBody({ recallId: uuidSchema, ...unitsAt, quantity: movedQuantitySchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'quotas',
    makes: 'recallId',
    mayWait: false,
    result: z.object({ recallId: uuidSchema, ...units }),
    change: { 'quota.recalled': z.object({ recallId: uuidSchema, ...units }) },
    refusals: { ...productUnknown, ...branchUnknown, ...branchSilent },
  }),
  /** Ends the branch's right to units by a manager's decision. Late sales of the branch are taken from them. */
  'quota.write-off': defineCommand({
    body: commandBody({ ...unitsAt, quantity: movedQuantitySchema, reason: stockReasonSchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'quotas',
    mayWait: false,
    result: z.object({ ...units, onHand: z.number().int(), writtenOff: z.number().int() }),
    change: { 'quota.written-off': z.object({ ...units, reason: z.string() }) },
    refusals: { ...productUnknown, ...branchUnknown, ...stockShort },
  }),
  /** Accepts that the branch had units that no record showed. */
  'quota.settle': defineCommand({
    body: commandBody({ ...unitsAt, quantity: movedQuantitySchema, reason: stockReasonSchema }),
    key: 'productId',
    route: 'products',
    senders: 'central',
    topic: 'quotas',
    mayWait: false,
    result: z.object({ ...units, open: z.number().int() }),
    change: { 'quota.settled': z.object({ ...units, reason: z.string() }) },
    refusals: {
      ...productUnknown,
      ...branchUnknown,
      'discrepancy-smaller': {
        status: 409,
        title: 'Fewer units are open',
        details: z.object({ asked: z.number().int(), open: z.number().int() }),
      },
    },
  }),
  /** Ends the freeze of a branch: a manager has found out which database is the right one. */
  'branch.unfreeze': defineCommand({
    body: commandBody({ branchId: branchIdSchema, reason: stockReasonSchema }),
    key: 'branchId',
    route: 'products',
    senders: 'central',
    topic: 'quotas',
    mayWait: false,
    result: z.object({ branchId: branchIdSchema, reason: z.string() }),
    change: { 'branch.unfrozen': z.object({ branchId: branchIdSchema, reason: z.string() }) },
    refusals: { ...branchUnknown, 'branch-not-frozen': { status: 409, title: 'The branch is not frozen' } },
  }),
};
