import { z } from 'zod';
import { branches, commandBody, defineCommand } from './define-command.js';
import {
  branchIdSchema,
  customerIdSchema,
  lineQuantitySchema,
  productIdSchema,
  productNameSchema,
  stockReasonSchema,
  taxBasisPointsSchema,
  tillIdSchema,
  uuidSchema,
} from './primitives.js';
import { timestampSchema } from './times.js';
import { entryFields } from './entries.js';

/**
 * What a branch has sold. A branch records each sale in its own database, in the transaction that spends its quota. The
 * head office decides nothing about it: it books the sale, whatever its stock records say.
 */

const moneySchema = z.number().int();

export const saleLineSchema = z.object({
  productId: productIdSchema,
  name: productNameSchema,
  quantity: lineQuantitySchema,
  /** Price of a unit, tax included. */
  unitPriceCents: moneySchema,
  /** The tax rate of the product at the time of the sale. */
  taxBasisPoints: taxBasisPointsSchema,
});
export type SaleLine = z.infer<typeof saleLineSchema>;

/** How a sale was paid: Σ lines + `roundingCents` = `cashCents` + `cardCents`. */
export const salePaymentSchema = z.object({
  cashCents: moneySchema,
  cardCents: moneySchema,
  /** Change that was handed out: the customer gave `cashCents + changeCents` in cash. */
  changeCents: moneySchema,
  /** Added to the total because there is no smaller coin. Negative: subtracted. */
  roundingCents: moneySchema,
});
export type SalePayment = z.infer<typeof salePaymentSchema>;

/** Units of a sale at a branch that left or came back, with their selling price. */
const saleMovedLineSchema = z.object({
  productId: productIdSchema,
  quantity: lineQuantitySchema,
  unitPriceCents: moneySchema,
});

const ofSale = { saleId: uuidSchema, branchId: branchIdSchema };

/** Units for which the branch held no quota, by product; empty: none. They wait as a discrepancy. */
export const excessSchema = z.array(z.object({ productId: productIdSchema, quantity: z.number().int() }));

export const saleCommands = {
  'sale.record': defineCommand({
    body: commandBody({
      ...entryFields,
      /** Id of the sale and of the command. Its 12-bit field names the branch's bucket. */
      saleId: uuidSchema,
      till: tillIdSchema,
      receiptNumber: z.string().min(1).max(128),
      shiftId: uuidSchema,
      /** By the branch's clock. */
      soldAt: timestampSchema,
      customerId: customerIdSchema.nullable(),
      lines: z.array(saleLineSchema).min(1).max(200),
      payment: salePaymentSchema,
      totalCents: moneySchema,
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'sales',
    makes: 'saleId',
    mayWait: true,
    result: z.object({ ...ofSale, excess: excessSchema, isLate: z.boolean() }),
    change: {
      'sale.recorded': z.object({
        ...ofSale,
        receiptNumber: z.string(),
        soldAt: timestampSchema,
        totalCents: moneySchema,
        lines: z.array(saleMovedLineSchema),
        excess: excessSchema,
      }),
    },
    refusals: {},
  }),
  /** Takes back a whole sale in the shift that made it. Its receipt keeps its number. */
  'sale.void': defineCommand({
    body: commandBody({ ...entryFields, saleId: uuidSchema, voidedAt: timestampSchema, reason: stockReasonSchema }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'sales',
    mayWait: true,
    result: z.object({ ...ofSale }),
    change: {
      'sale.voided': z.object({
        ...ofSale,
        voidedAt: timestampSchema,
        totalCents: moneySchema,
        lines: z.array(saleMovedLineSchema),
      }),
    },
    refusals: {
      'sale-unknown': { status: 404, title: 'There is no such sale' },
      'sale-voided': { status: 409, title: 'The sale was voided already' },
    },
  }),
  /**
   * Units that customers brought back to the branch. Units of the branch's own sales can be sold again; all others go
   * into quarantine.
   */
  'sale.return': defineCommand({
    body: commandBody({
      ...entryFields,
      returnId: uuidSchema,
      /** The branch's own sale; null: the units were sold elsewhere. */
      saleId: uuidSchema.nullable(),
      returnedAt: timestampSchema,
      reason: stockReasonSchema,
      lines: z.array(saleMovedLineSchema).min(1).max(200),
      refundCents: moneySchema,
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'sales',
    makes: 'returnId',
    mayWait: true,
    result: z.object({ returnId: uuidSchema, branchId: branchIdSchema }),
    change: {
      'sale.returned': z.object({
        returnId: uuidSchema,
        branchId: branchIdSchema,
        saleId: uuidSchema.nullable(),
        returnedAt: timestampSchema,
        refundCents: moneySchema,
        lines: z.array(saleMovedLineSchema),
      }),
    },
    refusals: {},
  }),
  /** The count of a till's money at the end of a shift. A sale of the shift that arrives later stays in it, marked late. */
  'shift.close': defineCommand({
    body: commandBody({
      ...entryFields,
      shiftId: uuidSchema,
      till: tillIdSchema,
      openedAt: timestampSchema,
      closedAt: timestampSchema,
      /** Money in the drawer when the shift was opened. */
      openingCents: moneySchema,
      /** Cash that should be in the drawer, and cash that was counted. */
      expectedCents: moneySchema,
      countedCents: moneySchema,
      sales: z.number().int(),
      voids: z.number().int(),
      returns: z.number().int(),
      totalCents: moneySchema,
    }),
    key: 'branchId',
    route: 'orders',
    senders: branches.named,
    topic: 'sales',
    makes: 'shiftId',
    mayWait: true,
    result: z.object({ shiftId: uuidSchema, branchId: branchIdSchema }),
    change: {
      'shift.closed': z.object({
        shiftId: uuidSchema,
        branchId: branchIdSchema,
        till: tillIdSchema,
        closedAt: timestampSchema,
        sales: z.number().int(),
        totalCents: moneySchema,
        differenceCents: moneySchema,
      }),
    },
    refusals: {},
  }),
};
