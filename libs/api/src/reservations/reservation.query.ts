import type { z } from 'zod';
import type { reservationSchema } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

type Reservation = z.infer<typeof reservationSchema>;

export interface ReservationRow {
  reservation_id: string;
  customer_id: string;
  branch_id: string | null;
  status: Reservation['status'];
  lines: Reservation['lines'];
  total_cents: number;
  created_at: Date;
  expires_at: Date;
  order_id: string | null;
}

export function reservationOf(row: ReservationRow): Reservation {
  return {
    reservationId: row.reservation_id,
    customerId: row.customer_id,
    branchId: row.branch_id,
    status: row.status,
    lines: row.lines,
    totalCents: row.total_cents,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    orderId: row.order_id,
  };
}

/** $1 reservation id. A due reservation is over by the group's clock, even if no batch has noticed it yet. */
export const reservationQuery = query<ReservationRow>({
  name: 'reservation',
  rows: `
    SELECT v.reservation_id, v.customer_id, v.branch_id, v.lines, v.total_cents::float8 AS total_cents, v.created_at,
      v.expires_at, v.order_id, CASE WHEN v.status = 'held' AND v.expires_at <= s.at THEN 'expired' ELSE v.status END AS status
    FROM eco.reservation v WHERE v.reservation_id = $1 AND ${owned('v')}`,
});
