import { HOLD_SECONDS_COUNTED_MIN, MAX_ORDER_LINES, type PricedLine, type ReservationStatus } from '@eco/contracts';
import { rowLists } from '@eco/domain';
import { bigint, jsonb, nullable, smallint, text, timestamptz, uuid, word } from './columns.js';
import { query, type Load } from './load.js';
import { heldLevel, levelsOfLines, takeHeldLevel } from './stock.js';
import { deleteFrom, insertInto, upsertInto } from './store.js';
import { defineTable, select } from './table.js';
import type { TablesOf } from './tables-of.js';

const reservationTable = defineTable({
  name: 'eco.reservation',
  rows: 'reservations',
  columns: {
    reservationId: uuid('reservation_id'),
    orderId: nullable(uuid('order_id')),
    createdAt: timestamptz('created_at'),
    expiresAt: timestamptz('expires_at'),
    totalCents: bigint('total_cents'),
    bucket: smallint('bucket'),
    status: word<ReservationStatus>('status'),
    customerId: text('customer_id'),
    branchId: nullable(text('branch_id')),
    lines: jsonb<PricedLine[]>('lines'),
  },
});

const holdTable = defineTable({
  name: 'eco.hold',
  rows: 'holds',
  columns: {
    reservationId: uuid('reservation_id'),
    productId: text('product_id'),
    expiresAt: timestamptz('expires_at'),
    quantity: bigint('quantity'),
    bucket: smallint('bucket'),
  },
});

/** The order in which kinds of reservations are loaded. */
const RANK = { blocking: 0, named: 1, swept: 2 };

const reservation = select(
  reservationTable,
  'reservationId',
  'customerId',
  'branchId',
  'status',
  'lines',
  'totalCents',
  'createdAt',
  'expiresAt',
  'orderId',
);

/**
 * The reservations that are due at the instant set by the fence, those that are named ($2), and the levels that they
 * hold. Due reservations of this batch's products ($1) come first, so that no command is refused because of an expired
 * hold. The other due reservations may have $4 lines, and all together $3 lines. While no reservation is due, no
 * product is looked up. A reservation has at most ${MAX_ORDER_LINES} holds, so where the inner LIMIT cuts, something
 * does not fit.
 */
const loadReservations = {
  name: 'load reservations',
  text: `
WITH now AS MATERIALIZED (SELECT s.at FROM eco.group_position s),
wanted AS (
  (SELECT h.reservation_id, ${RANK.blocking} AS rank, 0::bigint AS n FROM ${holdTable.name} h
   WHERE EXISTS (SELECT FROM ${holdTable.name} d WHERE d.expires_at <= (SELECT at FROM now))
     AND h.product_id = ANY ($1::text[]) AND h.expires_at <= (SELECT at FROM now)
   LIMIT 2 * $3::bigint + ${MAX_ORDER_LINES})
  UNION ALL
  SELECT w.reservation_id, ${RANK.named}, w.n FROM unnest($2::uuid[]) WITH ORDINALITY AS w(reservation_id, n)
  UNION ALL
  (SELECT h.reservation_id, ${RANK.swept}, 0 FROM ${holdTable.name} h
   WHERE h.expires_at <= (SELECT at FROM now) ORDER BY h.expires_at LIMIT $4::bigint)
),
ranked AS (SELECT w.reservation_id, min(w.rank) AS rank, min(w.n) AS n FROM wanted w GROUP BY w.reservation_id),
found AS MATERIALIZED (
  SELECT ${reservation.list('r')},
    w.rank, sum(jsonb_array_length(r.lines)) OVER (ORDER BY w.rank, w.n, r.reservation_id)
      - jsonb_array_length(r.lines) < $3::bigint AS fits
  FROM ranked w CROSS JOIN LATERAL (
    SELECT * FROM ${reservationTable.name} v WHERE v.reservation_id = w.reservation_id LIMIT 1
  ) r
)
SELECT ${reservation.list('f', { lines: 'CASE WHEN f.fits THEN f.lines END' })}, f.rank,
  ${heldLevel.namedNulls}
FROM found f
UNION ALL
SELECT ${reservation.nulls}, NULL, l.* FROM (${levelsOfLines('found', 'held')}) l`,
};
const RANK_AT = reservation.width;
const LEVEL_AT = RANK_AT + 1;

/** Uses the index of open reservations. The sum is that of `unitSecondsOf`, from the lines. */
const countOpenReservations = {
  name: 'count open reservations',
  text: `
SELECT r.customer_id, count(*)::int, sum(
  (SELECT sum((l ->> 'quantity')::bigint) FROM jsonb_array_elements(r.lines) l)
    * greatest(extract(epoch FROM r.expires_at - r.created_at), ${HOLD_SECONDS_COUNTED_MIN}))::float8
FROM ${reservationTable.name} r CROSS JOIN (SELECT s.at FROM eco.group_position s) now
WHERE r.customer_id = ANY ($1::text[]) AND r.status = 'held' AND r.expires_at > now.at
GROUP BY r.customer_id`,
};

const load: Load = (loading) => [
  ...loadReservation(loading),
  ...query(countOpenReservations, loading, 'reservingCustomerIds', [], (rows) => {
    for (const [customerId, count, unitSeconds] of rows as [string, number, number][]) {
      loading.state.openReservations.set(customerId, { count, unitSeconds });
    }
  }),
];

const loadReservation: Load = ({ literals, lines, swept, state, leftOut }) => [
  {
    statement: loadReservations,
    values: [literals.productIds, literals.reservationIds, lines, swept],
    take: (rows) => {
      for (const row of rows) {
        if (row[0] === null) {
          takeHeldLevel(row, LEVEL_AT, state);
          continue;
        }
        const found = reservation.read(row);
        if ((found.lines as PricedLine[] | null) !== null) state.reservations.set(found.reservationId, found);
        else if (row[RANK_AT] === RANK.blocking) leftOut.due = true;
        else if (row[RANK_AT] === RANK.named) leftOut.reservationIds.add(found.reservationId);
      }
    },
  },
];

export const reservations: TablesOf<'reservations'> = {
  tables: [reservationTable, holdTable],
  stores: {
    reservations: upsertInto('store reservations', reservationTable, rowLists.reservations, {
      changes: ['status', 'orderId'],
    }),
    holds: insertInto('store holds', holdTable, rowLists.holds),
    endedHolds: deleteFrom('end holds', holdTable, rowLists.endedHolds),
  },
  load,
};
