import type { SaleLine, SalePayment } from '@eco/contracts';
import { insert, update, type Noun } from '../noun.js';

/** A sale that a void needs. */
export interface Sale {
  saleId: string;
  branchId: string;
  lines: SaleLine[];
  totalCents: number;
  /** Null: the sale stands. */
  voidedAt: string | null;
}

export interface SaleRow {
  saleId: string;
  bucket: number;
  branchId: string;
  till: string;
  receiptNumber: string;
  shiftId: string;
  soldAt: string;
  /** A pseudonym, as in orders. Null: the customer is not known. */
  customerId: string | null;
  lines: SaleLine[];
  payment: SalePayment;
  totalCents: number;
  excess: Excess[];
  /** True: its shift was closed when it arrived. */
  isLate: boolean;
}

/** Units of a product for which the branch held no quota. */
export interface Excess {
  productId: string;
  quantity: number;
}

export interface SaleVoidRow {
  saleId: string;
  voidedAt: string;
  voidReason: string;
}

export interface SaleReturnRow {
  returnId: string;
  bucket: number;
  branchId: string;
  /** Null: the units were sold elsewhere. */
  saleId: string | null;
  returnedAt: string;
  reason: string;
  lines: MovedLine[];
  refundCents: number;
}

interface MovedLine {
  productId: string;
  quantity: number;
  unitPriceCents: number;
}

export interface ShiftRow {
  shiftId: string;
  bucket: number;
  branchId: string;
  till: string;
  openedAt: string;
  closedAt: string;
  openingCents: number;
  expectedCents: number;
  countedCents: number;
  sales: number;
  voids: number;
  returns: number;
  totalCents: number;
}

export const sales = {
  keys: {
    /** Sales that may be voided, with the levels of their products at their branch. */
    saleIds: 'all',
    /** Shifts of which a command needs to know whether they are closed. */
    shiftIds: 'all',
  },
  state: {
    sales: () => new Map<string, Sale>(),
    /** The requested shifts that are closed. */
    closedShifts: () => new Set<string>(),
  },
  rows: {
    sales: insert<SaleRow>('saleId'),
    saleVoids: update<SaleVoidRow>('sales', 'saleId'),
    saleReturns: insert<SaleReturnRow>('returnId'),
    shifts: insert<ShiftRow>('shiftId'),
  },
} satisfies Noun;
