import type { SaleLine, SalePayment } from '@eco/contracts';
import { lineTotalCents, totalCentsOf } from './lines.js';
import { taxCentsOf, taxesOf, type TaxAmount } from './tax.js';

/**
 * `void`: the sale was taken back. `copy`: the receipt was printed before. `back-order`: no receipt of a sale but a slip
 * of an order that promises nothing.
 */
type ReceiptMark = 'void' | 'copy' | 'back-order';

interface ReceiptLine extends SaleLine {
  readonly totalCents: number;
}

/** Everything that is on a receipt. Its presentations (text, SVG, ESC/POS) add nothing. */
export interface Receipt {
  /** Receipt number; id of the order on the slip of a back-order. */
  readonly number: string;
  readonly marks: readonly ReceiptMark[];
  readonly branchId: string;
  /** Null on the slip of a back-order. */
  readonly till: string | null;
  readonly soldAt: string;
  readonly lines: readonly ReceiptLine[];
  readonly taxes: readonly TaxAmount[];
  readonly taxCents: number;
  /** Value of the lines, tax included and before rounding. */
  readonly totalCents: number;
  /** Null on the slip of a back-order: nothing is paid. */
  readonly payment: SalePayment | null;
}

/** Sale with everything that its receipt shows. */
export interface ReceiptOf {
  readonly receiptNumber: string;
  readonly branchId: string;
  readonly till: string;
  readonly soldAt: string;
  readonly lines: readonly SaleLine[];
  readonly payment: SalePayment;
  readonly voidedAt: string | null;
}

export function receiptOf(sale: ReceiptOf, { isCopy }: { readonly isCopy: boolean }): Receipt {
  const { receiptNumber: number, branchId, till, soldAt, payment, voidedAt } = sale;
  const marks: ReceiptMark[] = [...(voidedAt === null ? [] : ['void' as const]), ...(isCopy ? ['copy' as const] : [])];
  return { number, marks, branchId, till, soldAt, payment, ...amountsOf(sale.lines) };
}

/** Slip for a customer whose order waits for the head office. Its prices are those of the branch's catalogue. */
export function backOrderSlip(order: {
  readonly orderId: string;
  readonly branchId: string;
  readonly placedAt: string;
  readonly lines: readonly SaleLine[];
}): Receipt {
  const { orderId: number, branchId, placedAt: soldAt, lines } = order;
  return { number, marks: ['back-order'], branchId, till: null, soldAt, payment: null, ...amountsOf(lines) };
}

function amountsOf(lines: readonly SaleLine[]) {
  const taxes = taxesOf(lines);
  return {
    lines: lines.map((line) => ({ ...line, totalCents: lineTotalCents(line) })),
    taxes,
    taxCents: taxCentsOf(taxes),
    totalCents: totalCentsOf(lines),
  };
}
