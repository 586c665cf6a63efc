import type { BranchSale } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

export interface SaleRow {
  sale_id: string;
  branch_id: string;
  till: string;
  receipt_number: string;
  shift_id: string;
  sold_at: Date;
  customer_id: string | null;
  lines: BranchSale['lines'];
  payment: BranchSale['payment'];
  total_cents: number;
  excess: BranchSale['excess'];
  is_late: boolean;
  voided_at: Date | null;
  void_reason: string | null;
}

export function saleOf(row: SaleRow): BranchSale {
  return {
    saleId: row.sale_id,
    branchId: row.branch_id,
    till: row.till,
    receiptNumber: row.receipt_number,
    shiftId: row.shift_id,
    soldAt: row.sold_at.toISOString(),
    customerId: row.customer_id,
    lines: row.lines,
    payment: row.payment,
    totalCents: row.total_cents,
    excess: row.excess,
    isLate: row.is_late,
    voidedAt: row.voided_at?.toISOString() ?? null,
    voidReason: row.void_reason,
  };
}

const COLUMNS = `v.sale_id, v.branch_id, v.till, v.receipt_number, v.shift_id, v.sold_at, v.customer_id, v.lines, v.payment,
      v.total_cents::float8 AS total_cents, v.excess, v.is_late, v.voided_at, v.void_reason`;

/** $1 sale. */
export const saleQuery = query<SaleRow>({
  name: 'sale',
  rows: `SELECT ${COLUMNS} FROM eco.sale v WHERE v.sale_id = $1 AND ${owned('v')}`,
});

/**
 * $1 and $2 the key to begin after, $3 limit, $4 and $5 the period, $6 branch or null. Newest first, by a backward scan of
 * the index sale_of_branch for each branch.
 */
export const salesQuery = query<SaleRow>({
  name: 'sales-of-branches',
  rows: `
    SELECT v.* FROM eco.location b
    CROSS JOIN LATERAL (
      SELECT ${COLUMNS} FROM eco.sale v
      WHERE v.branch_id = b.location AND (v.sold_at, v.sale_id) < ($1::timestamptz, $2::uuid)
        AND v.sold_at >= $4::timestamptz AND v.sold_at < $5::timestamptz AND ${owned('v')}
      ORDER BY v.sold_at DESC, v.sale_id DESC LIMIT $3
    ) v
    WHERE b.location <> 'central' AND ($6::text IS NULL OR b.location = $6)
    ORDER BY v.sold_at DESC, v.sale_id DESC LIMIT $3`,
  order: 'r.sold_at DESC, r.sale_id DESC',
});
