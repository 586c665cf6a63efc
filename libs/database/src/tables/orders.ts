import type { OrderLine, OrderStatus, ShortLine } from '@eco/contracts';
import { rowLists, type Effects, type OutcomeRow, type RowList, type RowLists, type RowOf } from '@eco/domain';
import { bigint, bytea, integer, jsonb, nullable, smallint, text, timestamptz, uuid, word } from './columns.js';
import { query, type Load } from './load.js';
import { heldLevel, levelsOfLines, takeHeldLevel } from './stock.js';
import { isInOrder } from './outcomes.js';
import { insertInto, storing, updateOf, WHERE_FENCED } from './store.js';
import { defineTable, select } from './table.js';
import type { TablesOf } from './tables-of.js';

const orderTable = defineTable({
  name: 'eco.orders',
  rows: 'orders',
  insertedAt: 'decided_at',
  columns: {
    orderId: uuid('order_id'),
    placedAt: timestamptz('placed_at'),
    totalCents: bigint('total_cents'),
    bucket: smallint('bucket'),
    status: word<OrderStatus>('status'),
    customerId: text('customer_id'),
    branchId: nullable(text('branch_id')),
    lines: jsonb<OrderLine[]>('lines'),
    // Null if the order was confirmed.
    short: nullable(jsonb<ShortLine[]>('short')),
    unknownProducts: nullable(jsonb<string[]>('unknown_products')),
    // Later changes of the order. The columns above never change.
    reservationId: nullable(uuid('reservation_id')),
    endedAt: nullable(timestamptz('ended_at')),
    returned: nullable(jsonb<OrderLine[]>('returned')),
    // The outcome of order.place. Null if the outcome has a row of its own.
    decidedSeq: nullable(bigint('decided_seq')),
    n: nullable(integer('n')),
    bodyHash: nullable(bytea('body_hash')),
    sender: nullable(word<string>('sender')),
    actor: nullable(text('actor')),
  },
});

type StoredRow = RowOf<RowLists['orders']> & {
  readonly [Field in 'n' | 'bodyHash' | 'sender' | 'actor']: OutcomeRow[Field] | null;
};

const NO_OUTCOME = { n: null, bodyHash: null, sender: null, actor: null };

/** The new orders, each with the outcome that is stored in its row. */
function ordersWithOutcomes({ orders: rows, outcomes }: Effects): StoredRow[] {
  const byOrder = new Map(outcomes.filter(isInOrder).map((outcome) => [outcome.commandId, outcome]));
  return rows.map((order) => {
    const { n, bodyHash, sender, actor } = byOrder.get(order.orderId) ?? NO_OUTCOME;
    return { ...order, n, bodyHash, sender, actor };
  });
}

const insertOrders = insertInto('store orders', orderTable, rowLists.orders as RowList<StoredRow>, {
  fields: [
    'orderId',
    'placedAt',
    'totalCents',
    'bucket',
    'status',
    'customerId',
    'branchId',
    'lines',
    'short',
    'unknownProducts',
    'n',
    'bodyHash',
    'sender',
    'actor',
  ],
  values: {
    short: ({ status, short }) => (status === 'confirmed' ? null : short),
    unknownProducts: ({ status, unknownProducts }) => (status === 'confirmed' ? null : unknownProducts),
  },
  text: ({ names, rows, values }) => `
INSERT INTO ${orderTable.name} (seq, ${orderTable.insertedAt}, ${names.join(', ')}, decided_seq)
SELECT $3::bigint, $4::timestamptz, ${values.join(', ')}, CASE WHEN r.n IS NOT NULL THEN $3::bigint END
FROM ${rows} AS r(${names.join(', ')})
${WHERE_FENCED}`,
});

const order = select(orderTable, 'orderId', 'customerId', 'branchId', 'status', 'lines', 'totalCents', 'returned');

/**
 * The orders ($1), in this order. An order that begins after the first $2 lines comes without its lines. The levels
 * that the others hold are separate rows.
 */
const loadOrders = {
  name: 'load orders',
  text: `
WITH found AS MATERIALIZED (
  SELECT ${order.list('o')},
    sum(jsonb_array_length(o.lines)) OVER (ORDER BY w.n) - jsonb_array_length(o.lines) < $2::bigint AS fits
  FROM unnest($1::uuid[]) WITH ORDINALITY AS w(order_id, n) CROSS JOIN LATERAL (
    SELECT * FROM ${orderTable.name} v WHERE v.order_id = w.order_id LIMIT 1
  ) o
)
SELECT ${order.list('f', { lines: 'CASE WHEN f.fits THEN f.lines END', returned: 'CASE WHEN f.fits THEN f.returned END' })},
  ${heldLevel.namedNulls}
FROM found f
UNION ALL
SELECT ${order.nulls}, l.* FROM (${levelsOfLines('found', 'confirmed')}) l`,
};

const load: Load = (loading) =>
  query(loadOrders, loading, 'orderIds', [loading.lines], (rows) => {
    const { state, leftOut } = loading;
    for (const row of rows) {
      if (row[0] === null) {
        takeHeldLevel(row, order.width, state);
        continue;
      }
      const { lines, returned, ...found } = order.read(row);
      if ((lines as OrderLine[] | null) === null) leftOut.orderIds.add(found.orderId);
      else state.orders.set(found.orderId, { ...found, lines, returned: returned ?? [] });
    }
  });

export const orders: TablesOf<'orders'> = {
  tables: [orderTable],
  stores: {
    orders: [storing(insertOrders, ordersWithOutcomes)],
    orderUpdates: updateOf('store order updates', orderTable, rowLists.orderUpdates, {
      fields: ['orderId', 'status', 'reservationId', 'endedAt', 'returned'],
      kept: ['reservationId', 'endedAt'],
      values: { returned: ({ returned }) => (returned.length === 0 ? null : returned) },
    }),
  },
  load,
};
