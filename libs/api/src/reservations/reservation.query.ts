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

const RESERVATION_COLUMNS = `v.reservation_id, v.customer_id, v.branch_id, v.lines, v.total_cents::float8 AS total_cents,
      v.created_at, v.expires_at, v.order_id`;

/** $1 reservation id. A due reservation is over by the group's clock, even if no batch has noticed it yet. */
export const reservationQuery = query<ReservationRow>({
  name: 'reservation',
  rows: `
    SELECT ${RESERVATION_COLUMNS},
      CASE WHEN v.status = 'held' AND v.expires_at <= s.at THEN 'expired' ELSE v.status END AS status
    FROM eco.reservation v WHERE v.reservation_id = $1 AND ${owned('v')}`,
});

/** Most held lines of a group that a page looks at, while it looks for reservations of one branch. */
export const HOLDS_LOOKED_AT_MAX = 5_000;

export interface HeldRow extends ReservationRow {
  /** Time of the expiry as PostgreSQL has it, in microseconds. */
  expiry: string;
  /** Number of its last line among those that the page looked at. */
  nth: number;
}

const EXPIRY = `to_char(v.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS expiry`;

/**
 * $1 expiry and $2 reservation to begin after, $3 limit, $4 branch or null. Uses the index hold_due, which has only what is
 * held. The limit of lines is innermost, because a DISTINCT below it would read all of them. The last reservation that the
 * page looked at is included for whatever branch, because the next page begins after it.
 */
export const heldReservationsQuery = query<HeldRow>({
  name: 'held-reservations',
  rows: `
    SELECT ${RESERVATION_COLUMNS}, v.status, ${EXPIRY}, h.nth
    FROM (
      SELECT d.reservation_id, max(d.nth) AS nth
      FROM (
        SELECT w.reservation_id, row_number() OVER (ORDER BY w.expires_at, w.reservation_id)::integer AS nth
        FROM (
          SELECT l.expires_at, l.reservation_id FROM eco.hold l
          WHERE l.expires_at > s.at AND l.expires_at >= $1::timestamptz
            AND (l.expires_at, l.reservation_id) > ($1::timestamptz, $2::uuid) AND ${owned('l')}
          ORDER BY l.expires_at, l.reservation_id LIMIT ${HOLDS_LOOKED_AT_MAX}
        ) w
      ) d
      GROUP BY d.reservation_id
    ) h
    CROSS JOIN LATERAL (SELECT * FROM eco.reservation k WHERE k.reservation_id = h.reservation_id LIMIT 1) v
    WHERE $4::text IS NULL OR coalesce(v.branch_id, 'central') = $4 OR h.nth = ${HOLDS_LOOKED_AT_MAX}
    ORDER BY h.nth LIMIT $3`,
  order: 'r.nth',
});

/** As above, of the customer $5. Uses the index reservation_open. */
export const heldOfCustomerQuery = query<HeldRow>({
  name: 'held-of-customer',
  rows: `
    SELECT ${RESERVATION_COLUMNS}, v.status, ${EXPIRY}, 0 AS nth
    FROM eco.reservation v
    WHERE v.customer_id = $5 AND v.status = 'held' AND v.expires_at > s.at
      AND (v.expires_at, v.reservation_id) > ($1::timestamptz, $2::uuid)
      AND ($4::text IS NULL OR coalesce(v.branch_id, 'central') = $4) AND ${owned('v')}
    ORDER BY v.expires_at, v.reservation_id LIMIT $3`,
  order: 'r.expires_at, r.reservation_id',
});
