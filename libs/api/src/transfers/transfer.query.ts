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

/** Parameter: $1 transfer id. */
export const transferQuery = query<TransferRow>({
  name: 'transfer',
  rows: `
    SELECT t.transfer_id, t.product_id, t.from_location, t.to_location, t.quantity::float8 AS quantity, t.status,
      t.sent_at, t.arrived_at, t.written_off_at, t.reason
    FROM eco.transfer t WHERE t.transfer_id = $1 AND ${owned('t')}`,
});
