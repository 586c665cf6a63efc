import type { Effects } from '@eco/domain';
import { json, plain, text } from '@eco/postgres';
import { WHERE_FENCED, type Table } from './table.js';

/*
 * Rows that few batches store: changes of orders, reservations, transfers, tombstones.
 */

/** An order keeps everything that was decided with it. */
export const orderUpdates: Table<Effects['orderUpdates'][number]> = {
  name: 'store order updates',
  text: `
UPDATE eco.orders o
SET seq = $3, status = u.status, reservation_id = coalesce(u.reservation_id, o.reservation_id),
  ended_at = coalesce(u.ended_at, o.ended_at), returned = u.returned
FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::timestamptz[], $8::jsonb[])
  AS u(order_id, status, reservation_id, ended_at, returned)
${WHERE_FENCED} AND o.order_id = u.order_id`,
  columns: [
    plain((row) => row.orderId),
    plain((row) => row.status),
    plain((row) => row.reservationId),
    plain((row) => row.endedAt),
    json((row) => (row.returned.length === 0 ? null : row.returned)),
  ],
};

export const reservations: Table<Effects['reservations'][number]> = {
  name: 'store reservations',
  text: `
INSERT INTO eco.reservation (seq,
  reservation_id, order_id, created_at, expires_at, total_cents, bucket, status, customer_id, branch_id, lines)
SELECT $3, r.*
FROM unnest($4::uuid[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::bigint[], $9::smallint[], $10::text[],
  $11::text[], $12::text[], $13::jsonb[]) AS r
${WHERE_FENCED}
ON CONFLICT (reservation_id) DO UPDATE
SET seq = excluded.seq, status = excluded.status, order_id = excluded.order_id`,
  columns: [
    plain((row) => row.reservationId),
    plain((row) => row.orderId),
    plain((row) => row.createdAt),
    plain((row) => row.expiresAt),
    plain((row) => row.totalCents),
    plain((row) => row.bucket),
    plain((row) => row.status),
    text((row) => row.customerId),
    text((row) => row.branchId),
    json((row) => row.lines),
  ],
};

export const holds: Table<Effects['holds'][number]> = {
  name: 'store holds',
  text: `
INSERT INTO eco.hold (seq,
  reservation_id, product_id, expires_at, quantity, bucket)
SELECT $3, h.*
FROM unnest($4::uuid[], $5::text[], $6::timestamptz[], $7::bigint[], $8::smallint[]) AS h
${WHERE_FENCED}`,
  columns: [
    plain((row) => row.reservationId),
    text((row) => row.productId),
    plain((row) => row.expiresAt),
    plain((row) => row.quantity),
    plain((row) => row.bucket),
  ],
};

export const endedHolds: Table<Effects['endedHolds'][number]> = {
  name: 'end holds',
  text: `DELETE FROM eco.hold h ${WHERE_FENCED} AND h.reservation_id = ANY ($4::uuid[])`,
  columns: [plain((row) => row.reservationId)],
};

export const transfers: Table<Effects['transfers'][number]> = {
  name: 'store transfers',
  text: `
INSERT INTO eco.transfer (seq,
  transfer_id, sent_at, arrived_at, quantity, bucket, status, product_id, from_location, to_location)
SELECT $3, t.*
FROM unnest($4::uuid[], $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::smallint[], $9::text[], $10::text[],
  $11::text[], $12::text[]) AS t
${WHERE_FENCED}
ON CONFLICT (transfer_id) DO UPDATE
SET seq = excluded.seq, status = excluded.status, arrived_at = excluded.arrived_at`,
  columns: [
    plain((row) => row.transferId),
    plain((row) => row.sentAt),
    plain((row) => row.arrivedAt),
    plain((row) => row.quantity),
    plain((row) => row.bucket),
    plain((row) => row.status),
    text((row) => row.productId),
    text((row) => row.from),
    text((row) => row.to),
  ],
};

export const tombstones: Table<Effects['tombstones'][number]> = {
  name: 'store tombstones',
  text: `
INSERT INTO eco.tombstone (seq,
  command_id, bucket, reason)
SELECT $3, t.*
FROM unnest($4::uuid[], $5::smallint[], $6::text[]) AS t
${WHERE_FENCED}`,
  columns: [plain((row) => row.commandId), plain((row) => row.bucket), plain((row) => row.reason)],
};
