import { z } from 'zod';
import { requestLinesSchema } from '../order-lines.js';
import {
  branchIdSchema,
  centsSchema,
  customerIdSchema,
  lineQuantitySchema,
  movedQuantitySchema,
  printable,
  productIdSchema,
  levelQuantitySchema,
  stockReasonSchema,
  taxBasisPointsSchema,
  uuidSchema,
} from '../primitives.js';
import { instantSchema, timestampSchema } from '../times.js';
import { saleLineSchema, salePaymentSchema } from '../sales.js';
import { namedCustomerIdSchema } from './customer-ids.js';
import { pageQuerySchema } from './requests.js';
import { pageOf, stockLevelSchema } from './responses.js';

/** Bodies, paths and queries of a branch's till. */

/**
 * Id of a till in requests. It is part of receipt numbers, so it has no hyphen: a number can then be taken apart in one
 * way only.
 */
const tillSchema = z
  .string()
  .regex(/^[A-Za-z0-9]{1,16}$/, 'must be 1 to 16 letters or digits')
  .meta({ description: 'Till of the branch', examples: ['1'] });
const ofTill = {
  till: tillSchema.optional().meta({ description: 'Till. Absent: the only one of the branch', examples: ['1'] }),
};

const isPaid = (payment: { readonly cash?: unknown; readonly card?: unknown }) =>
  payment.cash !== undefined || payment.card !== undefined;
const paymentRequestSchema = z
  .strictObject({
    cash: z
      .strictObject({ moneyReceivedCents: centsSchema })
      .optional()
      .meta({ description: 'What the customer hands over in cash' }),
    card: z
      .strictObject({ amountCents: centsSchema.optional() })
      .optional()
      .meta({ description: 'What the card pays. With cash it states its amount; alone it pays everything' }),
  })
  .refine(isPaid, { path: ['cash'], message: 'or card must be given' })
  .refine(({ cash, card }) => cash === undefined || card === undefined || card.amountCents !== undefined, {
    path: ['card', 'amountCents'],
    message: 'must be given if cash pays the rest',
  });

export const recordSaleRequestSchema = z.strictObject({
  ...ofTill,
  lines: requestLinesSchema,
  payment: paymentRequestSchema,
  customerId: namedCustomerIdSchema.optional(),
  shiftId: uuidSchema
    .optional()
    .meta({ description: 'Shift of the till. Absent: the open one. A sale of a closed shift is marked late' }),
});
export const voidSaleRequestSchema = z.strictObject({ reason: stockReasonSchema });
export const returnUnitsRequestSchema = z.strictObject({
  ...ofTill,
  saleId: uuidSchema
    .optional()
    .meta({ description: 'Sale of this branch. Absent: the units were sold elsewhere and go into quarantine' }),
  lines: z
    .array(
      z.strictObject({
        productId: productIdSchema,
        quantity: lineQuantitySchema,
        unitPriceCents: centsSchema
          .optional()
          .meta({ description: 'Price of units that were sold elsewhere. Absent: that of the catalogue' }),
      }),
    )
    .min(1, 'must hold at least 1 line')
    .max(200, 'must hold at most 200 lines'),
  reason: stockReasonSchema,
  refund: z.enum(['cash', 'card']).default('cash'),
});
export const openShiftRequestSchema = z.strictObject({
  ...ofTill,
  openingCents: centsSchema.default(0).meta({ description: 'Money in the drawer, cents' }),
});
export const closeShiftRequestSchema = z.strictObject({
  countedCents: centsSchema.meta({ description: 'Cash that was counted in the drawer, cents' }),
});
export const registerTillRequestSchema = z.strictObject({
  till: tillSchema,
  name: printable(64).meta({ description: 'Name of the till, for people', examples: ['Entrance'] }),
});
export const countUnitsRequestSchema = z.strictObject({ counted: levelQuantitySchema, reason: stockReasonSchema });
export const giveBackRequestSchema = z.strictObject({ quantity: movedQuantitySchema });

export const salePathSchema = z.strictObject({ saleId: uuidSchema });
export const shiftPathSchema = z.strictObject({ shiftId: uuidSchema });
export const receiptPathSchema = z.strictObject({
  number: z
    .string()
    .max(128, 'must be at most 128 characters')
    .meta({ description: 'Receipt number, or the id of a back-order', examples: ['A-sucursal-1-1-1-42'] }),
});
export const salesPageQuerySchema = pageQuerySchema;
export const shiftsPageQuerySchema = pageQuerySchema;
export const saleStatsQuerySchema = z.strictObject({
  from: instantSchema.optional().meta({ description: 'Sold at this instant or later' }),
  to: instantSchema.optional().meta({ description: 'Sold before this instant' }),
});
export const receiptFormats = ['json', 'text', 'svg', 'escpos'] as const;
export const receiptQuerySchema = z.strictObject({
  format: z.enum(receiptFormats).optional().meta({ description: 'Overrides the header Accept' }),
  copy: z.enum(['true', 'false']).default('false').meta({ description: 'true: the receipt is marked as a copy' }),
});

const taxAmountSchema = z.object({
  taxBasisPoints: taxBasisPointsSchema,
  totalCents: z.number().int(),
  netCents: z.number().int(),
  taxCents: z.number().int(),
});
const pricedSaleLineSchema = saleLineSchema.extend({ totalCents: z.number().int() });

export const saleSchema = z.object({
  saleId: uuidSchema,
  receiptNumber: z.string(),
  branchId: branchIdSchema,
  till: z.string(),
  shiftId: uuidSchema,
  soldAt: timestampSchema,
  customerId: customerIdSchema.nullable(),
  lines: z.array(pricedSaleLineSchema),
  taxes: z.array(taxAmountSchema),
  taxCents: z.number().int(),
  /** Value of the lines, tax included, before rounding. */
  totalCents: z.number().int(),
  payment: salePaymentSchema,
  changeCents: z.number().int(),
  voidedAt: timestampSchema.nullable(),
  voidReason: z.string().nullable(),
  /** True: the shift was closed already. */
  isLate: z.boolean(),
});
export const salePageSchema = pageOf(saleSchema);
export const saleStatsSchema = z.object({
  /** Sales without the voided ones. */
  count: z.number().int(),
  revenueCents: z.number().int(),
  averageCents: z.number().int(),
  voids: z.number().int(),
  returns: z.number().int(),
  refundCents: z.number().int(),
});
export const returnSchema = z.object({
  returnId: uuidSchema,
  saleId: uuidSchema.nullable(),
  till: z.string(),
  shiftId: uuidSchema,
  returnedAt: timestampSchema,
  reason: z.string(),
  refund: z.enum(['cash', 'card']),
  refundCents: z.number().int(),
  lines: z.array(
    z.object({ productId: productIdSchema, quantity: z.number().int(), unitPriceCents: z.number().int() }),
  ),
});
export const shiftReportSchema = z.object({
  shiftId: uuidSchema,
  till: z.string(),
  /** X: the shift is open. Z: it is closed. */
  report: z.enum(['X', 'Z']),
  openedAt: timestampSchema,
  closedAt: timestampSchema.nullable(),
  openingCents: z.number().int(),
  sales: z.number().int(),
  voids: z.number().int(),
  returns: z.number().int(),
  totalCents: z.number().int(),
  voidedCents: z.number().int(),
  cashCents: z.number().int(),
  cardCents: z.number().int(),
  roundingCents: z.number().int(),
  cashRefundCents: z.number().int(),
  cardRefundCents: z.number().int(),
  /** Cash that should be in the drawer. */
  expectedCents: z.number().int(),
  countedCents: z.number().int().nullable(),
  /** Counted less expected: negative if money is missing. */
  differenceCents: z.number().int().nullable(),
  /** Sales that were recorded after the close. The other figures don't contain them. */
  lateSales: z.number().int(),
  lateCents: z.number().int(),
  lateCashCents: z.number().int(),
});
export const shiftPageSchema = pageOf(shiftReportSchema);
export const tillEntrySchema = z.object({ till: z.string(), name: z.string(), registeredAt: timestampSchema });
export const tillListSchema = z.object({ items: z.array(tillEntrySchema) });
export const receiptSchema = z.object({
  number: z.string(),
  marks: z.array(z.enum(['void', 'copy', 'back-order'])),
  branchId: branchIdSchema,
  till: z.string().nullable(),
  soldAt: timestampSchema,
  lines: z.array(pricedSaleLineSchema),
  taxes: z.array(taxAmountSchema),
  taxCents: z.number().int(),
  totalCents: z.number().int(),
  payment: salePaymentSchema.nullable(),
});
/** A level of the branch: what it may sell. The head office grants units, and the branch spends them. */
export const quotaLevelSchema = stockLevelSchema.extend({
  name: z.string().nullable(),
  priceCents: z.number().int().nullable(),
  granted: z.number().int().meta({ description: 'Units that the branch was granted or sent, or took over' }),
  spent: z.number().int().meta({ description: 'Units that it sold, net of voids and returns' }),
  remaining: z.number().int().meta({ description: 'Units that it may sell' }),
});
export const quotaPageSchema = pageOf(quotaLevelSchema);
export const unitCountSchema = z.object({
  productId: productIdSchema,
  expected: z.number().int(),
  counted: z.number().int(),
});
export const givenBackSchema = z.object({ productId: productIdSchema, quantity: z.number().int() });
export const receivedTransferSchema = z.object({
  transferId: uuidSchema,
  productId: productIdSchema,
  quantity: z.number().int(),
});
export const branchStatusSchema = z.object({
  branchId: branchIdSchema,
  incarnation: z.number().int(),
  sequence: z.number().int().meta({ description: 'Entries that this incarnation has recorded' }),
  frozen: z.enum(['new', 'restored']).nullable().meta({
    description: 'Why the branch sells nothing from its quota until it has been online; null: it sells',
  }),
  online: z.object({
    brokers: z.boolean(),
    readService: z.boolean(),
    /** Null: the brokers are not reachable. */
    since: timestampSchema.nullable(),
  }),
  journal: z.object({
    depth: z.number().int().meta({ description: 'Commands that wait for the brokers' }),
    bytes: z.number().int(),
    oldestSeconds: z.number().int().nullable(),
    parked: z.number().int().meta({ description: 'Commands that a broker refused and an operator must look at' }),
  }),
  contactAt: timestampSchema.nullable().meta({ description: 'Last contact with the head office' }),
  obstacle: z.string().nullable().meta({ description: 'Why nothing can be recorded now; null: it can' }),
});
export const expectedTransferListSchema = z.object({
  items: z.array(receivedTransferSchema.extend({ sentAt: timestampSchema })),
});
