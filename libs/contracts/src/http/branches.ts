import { z } from 'zod';
import {
  branchIdSchema,
  customerIdSchema,
  movedQuantitySchema,
  productIdSchema,
  stockReasonSchema,
  uuidSchema,
} from '../primitives.js';
import { instantSchema, timestampSchema } from '../times.js';
import { excessSchema, saleLineSchema, salePaymentSchema } from '../sales.js';
import { listQuerySchema, oneWay } from './requests.js';
import { pageOf } from './responses.js';

/** What the head office reads of branches, and decides about their units. */

export const branchPathSchema = z.strictObject({ branchId: branchIdSchema });
export const quotaPathSchema = z.strictObject({ branchId: branchIdSchema, productId: productIdSchema });

export const recallQuotaRequestSchema = z.strictObject({ quantity: movedQuantitySchema });
/** Of a write-off and of a settlement. */
export const quotaDecisionRequestSchema = z.strictObject({
  quantity: movedQuantitySchema,
  reason: oneWay(stockReasonSchema),
});
export const unfreezeBranchRequestSchema = z.strictObject({ reason: oneWay(stockReasonSchema) });

const ofBranch = {
  branchId: branchIdSchema.optional().meta({ description: 'Branch; absent: every branch', examples: ['sucursal-1'] }),
};

export const quotasQuerySchema = listQuerySchema.extend(ofBranch);

/** Most movements of a level that its figures `granted` and `spent` sum up. */
export const QUOTA_MOVEMENTS_MAX = 100;

export const branchQuotaSchema = z.object({
  branchId: branchIdSchema,
  productId: productIdSchema,
  granted: z.int().meta({
    description:
      'Units that came to the branch and stayed there: less what it gave back, what was written off, and what counts found ' +
      `missing. Of the last ${QUOTA_MOVEMENTS_MAX} movements of its level`,
  }),
  spent: z.int().meta({ description: 'Units that it sold, less those that came back, of the same movements' }),
  since: timestampSchema
    .nullable()
    .meta({ description: 'Time of the first of these movements; null: there is none before them' }),
  remaining: z.int().meta({ description: 'Units that the branch may sell, as far as it has reported' }),
  idleSince: timestampSchema.nullable().meta({ description: 'Time of the last movement; null: no units remain' }),
  inTransit: z.int().meta({ description: 'Units on their way to the branch' }),
  quarantine: z.int().meta({ description: 'Returned units that nobody has inspected' }),
  writtenOff: z.int().meta({ description: 'Late sales are taken from these units' }),
  discrepancy: z.int().meta({ description: 'Units that left the branch although no record showed them there' }),
  contactAt: timestampSchema.nullable().meta({ description: 'Time of its last entry; null: it has sent none' }),
  isSilent: z.boolean().meta({ description: 'It has sent no entry for too long, so it gets no units' }),
  frozenReason: z.string().nullable().meta({ description: 'Why it gets no units; null: it is not frozen' }),
});
export type BranchQuota = z.infer<typeof branchQuotaSchema>;
export const branchQuotaPageSchema = pageOf(branchQuotaSchema);

export const branchSalesQuerySchema = listQuerySchema.extend({
  ...ofBranch,
  from: instantSchema.optional().meta({ description: 'Sold at this instant or later, by the clock of the branch' }),
  to: instantSchema.optional().meta({ description: 'Sold before this instant' }),
});

/** A sale as the head office has booked it. */
export const branchSaleSchema = z.object({
  saleId: uuidSchema,
  branchId: branchIdSchema,
  till: z.string(),
  receiptNumber: z.string(),
  shiftId: uuidSchema,
  soldAt: timestampSchema.meta({ description: 'By the clock of the branch' }),
  customerId: customerIdSchema.nullable(),
  lines: z.array(saleLineSchema),
  payment: salePaymentSchema,
  totalCents: z.int(),
  excess: excessSchema.meta({ description: 'Units for which the branch held no quota' }),
  isLate: z.boolean().meta({ description: 'Its shift was closed when it arrived' }),
  voidedAt: timestampSchema.nullable(),
  voidReason: z.string().nullable(),
});
export type BranchSale = z.infer<typeof branchSaleSchema>;
export const branchSalePageSchema = pageOf(branchSaleSchema);
