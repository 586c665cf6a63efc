import { levelKey, type BatchState, type Effects, type StockLevel } from '@eco/domain';
import { hexArray, jsonArray, plainArray, textArray } from './array-literals.js';
import type { Statement, WriterSession } from './session.js';

/**
 * Store: one statement a table, rows by `unnest`. Each asks `eco.fenced` (once, as a one-time filter), so on a session
 * that lost its transaction every one of them fails, where it would otherwise commit by itself.
 *
 * Parameters: $1 term, $2 tag, $3 seq, in some $4 the batch's time; then one array a column, in the order of the columns.
 */

const FENCED = 'WHERE eco.fenced($1::bigint, $2::text, $3::bigint)';

const outcomes: Statement = {
  name: 'store outcomes',
  text: `
INSERT INTO eco.outcome (seq, decided_at,
  command_id, body_hash, n, bucket, kind, status, topic, change_type, result, change_data)
SELECT $3, $4::timestamptz, u.*
FROM unnest($5::uuid[], $6::bytea[], $7::int[], $8::smallint[], $9::text[], $10::text[], $11::text[], $12::text[],
  $13::jsonb[], $14::jsonb[]) AS u
${FENCED}`,
};

const orders: Statement = {
  name: 'store orders',
  text: `
INSERT INTO eco.orders (seq, decided_at,
  order_id, placed_at, total_cents, bucket, status, customer_id, branch_id, lines, short, unknown_products)
SELECT $3, $4::timestamptz, o.*
FROM unnest($5::uuid[], $6::timestamptz[], $7::bigint[], $8::smallint[], $9::text[], $10::text[], $11::text[],
  $12::jsonb[], $13::jsonb[], $14::jsonb[]) AS o
${FENCED}`,
};

const movements: Statement = {
  name: 'store movements',
  text: `
INSERT INTO eco.movement (seq, at,
  product_id, location, sequence, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id)
SELECT $3, $4::timestamptz, m.*
FROM unnest($5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[],
  $12::int[], $13::smallint[], $14::text[], $15::uuid[]) AS m
${FENCED}`,
};

const newLevels: Statement = {
  name: 'store new levels',
  text: `
INSERT INTO eco.stock_level (seq,
  product_id, location, on_hand, reserved, sequence, bucket)
SELECT $3, l.*
FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::smallint[]) AS l
${FENCED}`,
};

/** Half the cost of INSERT … ON CONFLICT, which locks each row before it updates it; and levels are most of a batch. */
const levels: Statement = {
  name: 'store levels',
  text: `
UPDATE eco.stock_level s
SET seq = $3, on_hand = l.on_hand, reserved = l.reserved, sequence = l.sequence
FROM unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::smallint[])
  AS l(product_id, location, on_hand, reserved, sequence, bucket)
${FENCED} AND s.product_id = l.product_id AND s.location = l.location`,
};

const products: Statement = {
  name: 'store products',
  text: `
INSERT INTO eco.product (seq,
  product_id, price_cents, version, bucket, deleted, name)
SELECT $3, p.*
FROM unnest($4::text[], $5::bigint[], $6::int[], $7::smallint[], $8::boolean[], $9::text[]) AS p
${FENCED}
ON CONFLICT (product_id) DO UPDATE
SET seq = excluded.seq, price_cents = excluded.price_cents, version = excluded.version, deleted = excluded.deleted,
  name = excluded.name`,
};

const customers: Statement = {
  name: 'store customers',
  text: `
INSERT INTO eco.customer (seq,
  customer_id, registered_at, bucket, name, email, branch_id)
SELECT $3, c.*
FROM unnest($4::text[], $5::timestamptz[], $6::smallint[], $7::text[], $8::text[], $9::text[]) AS c
${FENCED}`,
};

const carts: Statement = {
  name: 'store carts',
  text: `
INSERT INTO eco.cart (seq,
  customer_id, bucket, cleared_stamp)
SELECT $3, c.*
FROM unnest($4::text[], $5::smallint[], $6::text[]) AS c
${FENCED}
ON CONFLICT (customer_id) DO UPDATE
SET seq = excluded.seq, cleared_stamp = excluded.cleared_stamp`,
};

const cartItems: Statement = {
  name: 'store cart items',
  text: `
INSERT INTO eco.cart_item (seq,
  customer_id, product_id, quantity, bucket, stamp)
SELECT $3, i.*
FROM unnest($4::text[], $5::text[], $6::int[], $7::smallint[], $8::text[]) AS i
${FENCED}
ON CONFLICT (customer_id, product_id) DO UPDATE
SET seq = excluded.seq, quantity = excluded.quantity, stamp = excluded.stamp`,
};

/** The same dead letter once more counts as one more try: nothing that comes may fail here. */
const deadLetters: Statement = {
  name: 'store dead letters',
  text: `
INSERT INTO eco.dead_letter AS d (seq, first_failed_at,
  command_id, body_hash, bucket, error_class, reason, sent_by, command)
SELECT $3, $4::timestamptz, l.*
FROM unnest($5::uuid[], $6::bytea[], $7::smallint[], $8::text[], $9::text[], $10::text[], $11::json[]) AS l
${FENCED}
ON CONFLICT (command_id, body_hash) DO UPDATE
SET seq = excluded.seq, tries = d.tries + 1`,
};

/** Text from outside may hold U+0000, which PostgreSQL text can't. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

/** Sends what there is to store, nothing for a table without rows; call it inside `session.together`. */
export function sendStore(session: WriterSession, state: BatchState, effects: Effects): Promise<unknown>[] {
  const { position, at } = state;
  const fence = [position.term, position.tag, position.seq];
  const sent: Promise<unknown>[] = [];
  if (effects.outcomes.length > 0) {
    const rows = effects.outcomes;
    // What an order's outcome and change say stands in its row: see the view eco.change.
    const inOrders = new Set(effects.orders.map((order) => order.orderId));
    sent.push(
      session.run(outcomes, [
        ...fence,
        at,
        plainArray(rows, (row) => row.commandId),
        hexArray(rows, (row) => row.bodyHash),
        plainArray(rows, (row) => row.n),
        plainArray(rows, (row) => row.bucket),
        plainArray(rows, (row) => row.kind),
        plainArray(rows, (row) => row.status),
        plainArray(rows, (row) => row.topic),
        plainArray(rows, (row) => row.changeType),
        jsonArray(rows, (row) => (inOrders.has(row.commandId) ? null : row.result)),
        jsonArray(rows, (row) => (inOrders.has(row.commandId) ? null : row.changeData)),
      ]),
    );
  }
  if (effects.orders.length > 0) {
    const rows = effects.orders;
    sent.push(
      session.run(orders, [
        ...fence,
        at,
        plainArray(rows, (row) => row.orderId),
        plainArray(rows, (row) => row.placedAt),
        plainArray(rows, (row) => row.totalCents),
        plainArray(rows, (row) => row.bucket),
        plainArray(rows, (row) => row.status),
        textArray(rows, (row) => row.customerId),
        textArray(rows, (row) => row.branchId),
        jsonArray(rows, (row) => row.lines),
        jsonArray(rows, (row) => (row.status === 'confirmed' ? null : row.short)),
        jsonArray(rows, (row) => (row.status === 'confirmed' ? null : row.unknownProducts)),
      ]),
    );
  }
  if (effects.movements.length > 0) {
    const rows = effects.movements;
    sent.push(
      session.run(movements, [
        ...fence,
        at,
        textArray(rows, (row) => row.productId),
        textArray(rows, (row) => row.location),
        plainArray(rows, (row) => row.sequence),
        plainArray(rows, (row) => row.onHandDelta),
        plainArray(rows, (row) => row.reservedDelta),
        plainArray(rows, (row) => row.onHand),
        plainArray(rows, (row) => row.reserved),
        plainArray(rows, (row) => row.n),
        plainArray(rows, (row) => row.bucket),
        plainArray(rows, (row) => row.movement),
        plainArray(rows, (row) => row.commandId),
      ]),
    );
  }
  const isNew = (level: StockLevel) => !state.levels.has(levelKey(level.productId, level.location));
  for (const [statement, rows] of [
    [newLevels, effects.levels.filter(isNew)],
    [levels, effects.levels.filter((level) => !isNew(level))],
  ] as const) {
    if (rows.length === 0) continue;
    sent.push(
      session.run(statement, [
        ...fence,
        textArray(rows, (row) => row.productId),
        textArray(rows, (row) => row.location),
        plainArray(rows, (row) => row.onHand),
        plainArray(rows, (row) => row.reserved),
        plainArray(rows, (row) => row.sequence),
        plainArray(rows, (row) => row.bucket),
      ]),
    );
  }
  if (effects.products.length > 0) {
    const rows = effects.products;
    sent.push(
      session.run(products, [
        ...fence,
        textArray(rows, (row) => row.productId),
        plainArray(rows, (row) => row.priceCents),
        plainArray(rows, (row) => row.version),
        plainArray(rows, (row) => row.bucket),
        plainArray(rows, (row) => row.deleted),
        textArray(rows, (row) => row.name),
      ]),
    );
  }
  if (effects.customers.length > 0) {
    const rows = effects.customers;
    sent.push(
      session.run(customers, [
        ...fence,
        textArray(rows, (row) => row.customerId),
        plainArray(rows, (row) => row.registeredAt),
        plainArray(rows, (row) => row.bucket),
        textArray(rows, (row) => row.name),
        textArray(rows, (row) => row.email),
        textArray(rows, (row) => row.branchId),
      ]),
    );
  }
  if (effects.carts.length > 0) {
    const rows = effects.carts;
    sent.push(
      session.run(carts, [
        ...fence,
        textArray(rows, (row) => row.customerId),
        plainArray(rows, (row) => row.bucket),
        textArray(rows, (row) => row.clearedStamp),
      ]),
    );
  }
  if (effects.cartItems.length > 0) {
    const rows = effects.cartItems;
    sent.push(
      session.run(cartItems, [
        ...fence,
        textArray(rows, (row) => row.customerId),
        textArray(rows, (row) => row.productId),
        plainArray(rows, (row) => row.quantity),
        plainArray(rows, (row) => row.bucket),
        textArray(rows, (row) => row.stamp),
      ]),
    );
  }
  if (effects.deadLetters.length > 0) {
    // The same letter twice in one batch is one: ON CONFLICT can't touch a row twice.
    const rows = [
      ...new Map(effects.deadLetters.map((row) => [`${row.commandId} ${row.bodyHash}`, row] as const)).values(),
    ];
    sent.push(
      session.run(deadLetters, [
        ...fence,
        at,
        plainArray(rows, (row) => row.commandId),
        hexArray(rows, (row) => row.bodyHash),
        plainArray(rows, (row) => row.bucket),
        plainArray(rows, (row) => row.errorClass),
        textArray(rows, (row) => withoutNul(row.reason)),
        textArray(rows, (row) => (row.sentBy === null ? null : withoutNul(row.sentBy))),
        jsonArray(rows, (row) => row.command ?? 'null'),
      ]),
    );
  }
  return sent;
}
