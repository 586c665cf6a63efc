import {
  levelKey,
  type BatchState,
  type CustomerRow,
  type Effects,
  type MovementRow,
  type OrderRow,
  type OutcomeRow,
} from '@eco/domain';
import { hex, json, plain, text, type Column } from '@eco/postgres';
import { deadLetterActions, deadLetters, deadLetterUpdates } from './dead-letter-tables.js';
import { orderUpdates, reservations, holds, endedHolds, transfers, tombstones } from './inventory-tables.js';
import type { WriterSession } from './session.js';
import { WHERE_FENCED, type Table } from './table.js';

/**
 * Stores effects: one statement per table, rows by `unnest`. Each calls `eco.fenced` (once, as a one-time filter). On a
 * session that lost its transaction every statement therefore fails; otherwise each would commit by itself. Parameters:
 * $1 term, $2 tag, $3 seq, in some $4 the batch's time; then one array per column, in column order.
 */

type LevelRow = Effects['levels'][number];
/** Null: the data is in the order's row, see the view eco.change. */
type StoredOutcomeRow = Omit<OutcomeRow, 'result'> & { result: OutcomeRow['result'] | null };

const outcomes: Table<StoredOutcomeRow> = {
  name: 'store outcomes',
  text: `
INSERT INTO eco.outcome (seq, decided_at,
  command_id, body_hash, n, bucket, kind, status, topic, change_type, result, change_data)
SELECT $3, $4::timestamptz, u.*
FROM unnest($5::uuid[], $6::bytea[], $7::int[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[],
  $13::jsonb[], $14::jsonb[]) AS u
${WHERE_FENCED}`,
  timed: true,
  columns: [
    plain((row) => row.commandId),
    hex((row) => row.bodyHash),
    plain((row) => row.n),
    plain((row) => row.bucket),
    plain((row) => row.kind),
    plain((row) => row.status),
    plain((row) => row.topic),
    plain((row) => row.changeType),
    json((row) => row.result),
    json((row) => row.changeData),
  ],
};

const orders: Table<OrderRow> = {
  name: 'store orders',
  text: `
INSERT INTO eco.orders (seq, decided_at,
  order_id, placed_at, total_cents, bucket, status, customer_id, branch_id, lines, short, unknown_products)
SELECT $3, $4::timestamptz, o.*
FROM unnest($5::uuid[], $6::timestamptz[], $7::bigint[], $8::smallint[], $9::text[], $10::text[], $11::text[],
  $12::jsonb[], $13::jsonb[], $14::jsonb[]) AS o
${WHERE_FENCED}`,
  timed: true,
  columns: [
    plain((row) => row.orderId),
    plain((row) => row.placedAt),
    plain((row) => row.totalCents),
    plain((row) => row.bucket),
    plain((row) => row.status),
    text((row) => row.customerId),
    text((row) => row.branchId),
    json((row) => row.lines),
    json((row) => (row.status === 'confirmed' ? null : row.short)),
    json((row) => (row.status === 'confirmed' ? null : row.unknownProducts)),
  ],
};

const movements: Table<MovementRow> = {
  name: 'store movements',
  text: `
INSERT INTO eco.movement (seq, at,
  product_id, location, sequence, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id)
SELECT $3, $4::timestamptz, m.*
FROM unnest($5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
  $12::int[], $13::smallint[], $14::text[], $15::uuid[]) AS m
${WHERE_FENCED}`,
  timed: true,
  columns: [
    text((row) => row.productId),
    text((row) => row.location),
    plain((row) => row.sequence),
    plain((row) => row.onHandDelta),
    plain((row) => row.reservedDelta),
    plain((row) => row.onHand),
    plain((row) => row.reserved),
    plain((row) => row.n),
    plain((row) => row.bucket),
    plain((row) => row.movement),
    plain((row) => row.commandId),
  ],
};

const levelColumns: Column<LevelRow>[] = [
  text((row) => row.productId),
  text((row) => row.location),
  plain((row) => row.onHand),
  plain((row) => row.reserved),
  plain((row) => row.sequence),
  plain((row) => row.bucket),
];

const newLevels: Table<LevelRow> = {
  name: 'store new levels',
  text: `
INSERT INTO eco.stock_level (seq,
  product_id, location, on_hand, reserved, sequence, bucket)
SELECT $3, l.*
FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::smallint[]) AS l
${WHERE_FENCED}`,
  columns: levelColumns,
};

/** Half the cost of INSERT … ON CONFLICT, which locks each row before it updates it; levels are most of a batch. */
const levels: Table<LevelRow> = {
  name: 'store levels',
  text: `
UPDATE eco.stock_level s
SET seq = $3, on_hand = l.on_hand, reserved = l.reserved, sequence = l.sequence
FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::smallint[])
  AS l(product_id, location, on_hand, reserved, sequence, bucket)
${WHERE_FENCED} AND s.product_id = l.product_id AND s.location = l.location`,
  columns: levelColumns,
};

const products: Table<Effects['products'][number]> = {
  name: 'store products',
  text: `
INSERT INTO eco.product (seq,
  product_id, price_cents, version, bucket, deleted, name)
SELECT $3, p.*
FROM unnest($4::text[], $5::bigint[], $6::int[], $7::smallint[], $8::boolean[], $9::text[]) AS p
${WHERE_FENCED}
ON CONFLICT (product_id) DO UPDATE
SET seq = excluded.seq, price_cents = excluded.price_cents, version = excluded.version, deleted = excluded.deleted,
  name = excluded.name`,
  columns: [
    text((row) => row.productId),
    plain((row) => row.priceCents),
    plain((row) => row.version),
    plain((row) => row.bucket),
    plain((row) => row.deleted),
    text((row) => row.name),
  ],
};

const customers: Table<CustomerRow> = {
  name: 'store customers',
  text: `
INSERT INTO eco.customer (seq,
  customer_id, registered_at, bucket, name, email, branch_id)
SELECT $3, c.*
FROM unnest($4::text[], $5::timestamptz[], $6::smallint[], $7::text[], $8::text[], $9::text[]) AS c
${WHERE_FENCED}`,
  columns: [
    text((row) => row.customerId),
    plain((row) => row.registeredAt),
    plain((row) => row.bucket),
    text((row) => row.name),
    text((row) => row.email),
    text((row) => row.branchId),
  ],
};

const carts: Table<Effects['carts'][number]> = {
  name: 'store carts',
  text: `
INSERT INTO eco.cart (seq,
  customer_id, bucket, cleared_stamp)
SELECT $3, c.*
FROM unnest($4::text[], $5::smallint[], $6::text[]) AS c
${WHERE_FENCED}
ON CONFLICT (customer_id) DO UPDATE
SET seq = excluded.seq, cleared_stamp = excluded.cleared_stamp`,
  columns: [text((row) => row.customerId), plain((row) => row.bucket), text((row) => row.clearedStamp)],
};

const cartItems: Table<Effects['cartItems'][number]> = {
  name: 'store cart items',
  text: `
INSERT INTO eco.cart_item (seq,
  customer_id, product_id, quantity, bucket, stamp, order_id, ordered_stamp)
SELECT $3, i.*
FROM unnest($4::text[], $5::text[], $6::int[], $7::smallint[], $8::text[], $9::uuid[], $10::text[]) AS i
${WHERE_FENCED}
ON CONFLICT (customer_id, product_id) DO UPDATE
SET seq = excluded.seq, quantity = excluded.quantity, stamp = excluded.stamp, order_id = excluded.order_id,
  ordered_stamp = excluded.ordered_stamp`,
  columns: [
    text((row) => row.customerId),
    text((row) => row.productId),
    plain((row) => row.quantity),
    plain((row) => row.bucket),
    text((row) => row.stamp),
    plain((row) => row.ordered?.orderId ?? null),
    text((row) => row.ordered?.stamp ?? null),
  ],
};

export const removedCartItems: Table<Effects['removedCartItems'][number]> = {
  name: 'remove cart items',
  text: `
DELETE FROM eco.cart_item i
USING unnest($4::text[], $5::text[]) AS r(customer_id, product_id)
${WHERE_FENCED} AND i.customer_id = r.customer_id AND i.product_id = r.product_id`,
  columns: [text((row) => row.customerId), text((row) => row.productId)],
};

/**
 * Rows per statement: several smaller statements cost the server a fifth less than one of a thousand rows (2 lines per
 * order).
 */
const SLICE = 250;

/** Sends what must be stored, and nothing for a table without rows; call it inside `session.together`. */
export function sendStore(session: WriterSession, state: BatchState, effects: Effects): Promise<unknown>[] {
  const { position, at } = state;
  const fence = [position.term, position.tag, position.seq];
  const sent: Promise<unknown>[] = [];
  const store = <T>(table: Table<T>, rows: readonly T[]) => {
    for (let from = 0; from < rows.length; from += SLICE) {
      const slice = rows.slice(from, from + SLICE);
      const arrays = table.columns.map((column) => column(slice));
      sent.push(session.run(table, [...fence, ...(table.timed ? [at] : []), ...arrays]));
    }
  };

  const isNew = (level: LevelRow) => !state.levels.has(levelKey(level.productId, level.location));
  store(outcomes, outcomesBeside(effects));
  store(orders, effects.orders);
  store(movements, effects.movements);
  store(newLevels, effects.levels.filter(isNew));
  store(
    levels,
    effects.levels.filter((level) => !isNew(level)),
  );
  store(products, effects.products);
  store(customers, effects.customers);
  store(carts, effects.carts);
  store(removedCartItems, effects.removedCartItems);
  store(cartItems, effects.cartItems);
  store(orderUpdates, effects.orderUpdates);
  store(reservations, effects.reservations);
  store(holds, effects.holds);
  store(endedHolds, effects.endedHolds);
  store(transfers, effects.transfers);
  store(tombstones, effects.tombstones);
  store(deadLetters, effects.deadLetters);
  store(deadLetterUpdates, effects.deadLetterUpdates);
  store(deadLetterActions, effects.deadLetterActions);
  return sent;
}

/**
 * An order's outcome and change are stored once, in the order's row. Orders out of reservations are the exception: they
 * say more, and are few.
 */
function outcomesBeside({ outcomes: rows, orders: orderRows }: Effects): StoredOutcomeRow[] {
  const inOrders = new Set(orderRows.map(({ orderId }) => orderId));
  return rows.map((row) =>
    inOrders.has(row.commandId) && row.kind !== 'reservation.confirm'
      ? { ...row, result: null, changeData: null }
      : row,
  );
}
