import type { z } from 'zod';
import type { transferSchema } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

type Transfer = z.infer<typeof transferSchema>;

export interface TransferRow {
  transfer_id: string;
  product_id: string;
  from_location: string;
  to_location: string;
  quantity: number;
  status: Transfer['status'];
  sent_at: Date;
  arrived_at: Date | null;
  written_off_at: Date | null;
  reason: string | null;
}

export function transferOf(row: TransferRow): Transfer {
  return {
    transferId: row.transfer_id,
    productId: row.product_id,
    from: row.from_location,
    to: row.to_location,
    quantity: row.quantity,
    status: row.status,
    sentAt: row.sent_at.toISOString(),
    arrivedAt: row.arrived_at?.toISOString() ?? null,
    writtenOffAt: row.written_off_at?.toISOString() ?? null,
    reason: row.reason,
  };
}

const TRANSFER_COLUMNS = `t.transfer_id, t.product_id, t.from_location, t.to_location, t.quantity::float8 AS quantity,
      t.status, t.sent_at, t.arrived_at, t.written_off_at, t.reason`;

/** Parameter: $1 transfer id. */
export const transferQuery = query<TransferRow>({
  name: 'transfer',
  rows: `
    SELECT ${TRANSFER_COLUMNS}
    FROM eco.transfer t WHERE t.transfer_id = $1 AND ${owned('t')}`,
});

/**
 * $1 destination and $2 transfer to begin after, $3 limit, $4 location or null, $5 product or null. Uses the index
 * transfer_in_transit, which has only the transfers that have not ended.
 */
export const transfersInTransitQuery = query<TransferRow>({
  name: 'transfers-in-transit',
  rows: `
    SELECT ${TRANSFER_COLUMNS}
    FROM eco.transfer t
    WHERE t.status = 'in-transit' AND t.to_location >= $1 AND (t.to_location, t.transfer_id) > ($1, $2::uuid)
      AND ($4::text IS NULL OR $4 IN (t.to_location, t.from_location)) AND ($5::text IS NULL OR t.product_id = $5)
      AND ${owned('t')}
    ORDER BY t.to_location, t.transfer_id LIMIT $3`,
  order: 'r.to_location, r.transfer_id',
});
