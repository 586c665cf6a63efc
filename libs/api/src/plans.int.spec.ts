import { randomUUID } from 'node:crypto';
import { READ_PLAN_SETTINGS, SideConnection, SLOW_READ_PLAN_SETTINGS } from '@eco/postgres';
import {
  changesOfBranchQuery,
  changesQuery,
  lastChangeQuery,
  notAppliedQuery,
  WHOLE_BATCH,
  type Query,
} from '@eco/reads';
import { startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { cartProductsQuery, cartQuery } from './carts/cart.query.js';
import { commandQuery } from './commands/command.query.js';
import { decidedQuery } from './http/awaited-commands.js';
import { customerQuery } from './customers/customer.query.js';
import { customersOfEmailQuery } from './customers/customers-of-email.query.js';
import {
  inventoryOfLocationQuery,
  inventoryQuery,
  lowStockAtBranchQuery,
  lowStockAtCentralQuery,
  lowStockQuery,
} from './inventory/inventory.query.js';
import { orderBranchQuery, orderQuery } from './orders/order.query.js';
import { ordersOfBranchInStatusQuery, ordersOfCustomerInStatusQuery } from './orders/orders-in-status.query.js';
import { ordersOfBranchQuery } from './orders/orders-of-branch.query.js';
import { ordersOfCustomerQuery } from './orders/orders-of-customer.query.js';
import { productQuery } from './products/product.query.js';
import { movementsQuery } from './inventory/movements.query.js';
import { productStockQuery } from './inventory/product-stock.query.js';
import { productsOfNameQuery, productsQuery } from './products/products.query.js';
import { quotasQuery } from './quotas/quotas.query.js';
import { heldOfCustomerQuery, heldReservationsQuery } from './reservations/reservation.query.js';
import { saleQuery, salesQuery } from './sales/sales.query.js';
import { salesQueryOf } from './statistics/sales.query.js';
import { sumsOfChanges } from './statistics/sums.query.js';
import { transfersInTransitQuery } from './transfers/transfer.query.js';

/*
 * Goal: no query scans a growing table, at a million orders. Each query runs as reads run it, prepared and with its
 * generic plan, and the rows touched by every node of the plan are counted; a full index scan would count too.
 * The usual run has a quarter of that: every growing table still has several times the rows that a step may touch.
 */

const ORDERS = Number(process.env['ECO_TEST_ORDERS'] ?? 250_000);
const PRODUCTS = ORDERS / 10;
const CUSTOMERS = ORDERS / 10;
const BRANCHES = 20;
/** Sales of the tills of all branches. */
const SALES = (ORDERS * 2) / 5;
/** Movements of the product `hot` at central. */
const MOVEMENTS = ORDERS / 10;
/** One order in this many belongs to one customer: a company that buys all day. */
const ONE_CUSTOMER_EVERY = 10;
const ORDERS_OF_BATCH = 100;
const BATCHES = ORDERS / ORDERS_OF_BATCH;
/** Rows that any step of a plan may touch: the largest page, its batches, and the rows that low stock looks at. */
const ROWS_MAX = 12_000;

/**
 * Stores rows in the order in which batches store them. Every second order has its outcome in its row. The log is not
 * durable, because the rows are not kept.
 */
const FILLS = [
  `INSERT INTO eco.orders (order_id, seq, placed_at, decided_at, total_cents, bucket, status, customer_id, branch_id, lines,
    decided_seq, n, body_hash)
  SELECT md5(n::text)::uuid, n / ${ORDERS_OF_BATCH}, '2026-01-01'::timestamptz + n * interval '20 seconds',
         '2026-01-01'::timestamptz + n * interval '20 seconds', 500, n % 16, 'confirmed',
         CASE WHEN n % ${ONE_CUSTOMER_EVERY} = 3 THEN 'company' ELSE 'customer-' || n % ${CUSTOMERS} END,
         CASE WHEN n % (${BRANCHES} + 1) > 0 THEN 'branch-' || n % (${BRANCHES} + 1) END,
         jsonb_build_array(jsonb_build_object('productId', 'product-' || n % ${PRODUCTS}, 'quantity', 1, 'unitPriceCents', 500, 'name', 'P')),
         CASE WHEN n % 2 = 0 THEN n / ${ORDERS_OF_BATCH} END, CASE WHEN n % 2 = 0 THEN n % ${ORDERS_OF_BATCH} END,
         CASE WHEN n % 2 = 0 THEN '\\x00'::bytea END
  FROM generate_series(1, ${ORDERS}) n`,
  `INSERT INTO eco.outcome_row (command_id, body_hash, seq, decided_at, n, bucket, kind, status, topic, change_type)
  SELECT md5(n::text)::uuid, '\\x00', n / ${ORDERS_OF_BATCH}, '2026-01-01'::timestamptz + n * interval '20 seconds', n % ${ORDERS_OF_BATCH}, n % 16,
         'order.place', 'done', 'orders', 'order.confirmed'
  FROM generate_series(1, ${ORDERS}, 2) n;
  INSERT INTO eco.product (product_id, seq, price_cents, version, bucket, deleted, name)
  SELECT 'product-' || n, 1, 500, 1, n % 16, false, 'Name ' || n || ' of ' || md5(n::text) FROM generate_series(0, ${PRODUCTS}) n;
  INSERT INTO eco.stock_level (product_id, location, on_hand, reserved, sequence, seq, bucket)
  SELECT 'product-' || n, location, 1000, 0, 1, 1, n % 16
  FROM generate_series(0, ${PRODUCTS}) n, unnest(ARRAY['central', 'branch-1']) location;
  INSERT INTO eco.customer (customer_id, seq, registered_at, bucket, name, email)
  SELECT 'customer-' || n, 1, now(), n % 16, 'N', 'c' || n || '@example.com' FROM generate_series(0, ${CUSTOMERS}) n;
  INSERT INTO eco.cart_item (customer_id, product_id, seq, quantity, bucket, stamp)
  SELECT 'customer-' || n % ${CUSTOMERS}, 'product-' || n % ${PRODUCTS}, 1, 1, n % 16, 's' FROM generate_series(1, ${CUSTOMERS}) n ON CONFLICT DO NOTHING;
  INSERT INTO statistics.product_day (group_id, day, branch_id, product_id, orders, units, revenue_cents)
  SELECT 'g1', '2026-01-01'::date + day, 'branch-' || branch, 'product-' || product, 1, 1, 500
  FROM generate_series(0, 199) day, generate_series(1, ${BRANCHES}) branch, generate_series(1, 50) product;
  INSERT INTO statistics.branch_day (group_id, day, branch_id, orders, units, revenue_cents)
  SELECT 'g1', '2026-01-01'::date + day, 'branch-' || branch, 50, 50, 500 FROM generate_series(0, 199) day, generate_series(1, ${BRANCHES}) branch`,
  `INSERT INTO eco.movement_row (product_id, location, sequence, seq, at, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id)
  SELECT 'product-' || n % ${PRODUCTS}, 'central', n / ${PRODUCTS} + 1, n / ${ORDERS_OF_BATCH}, now(), 0, 1, 1000, n / ${PRODUCTS}, n % ${ORDERS_OF_BATCH}, n % 16, 'reserved', md5(n::text)::uuid
  FROM generate_series(1, ${ORDERS}) n;
  INSERT INTO eco.movement_row (product_id, location, sequence, seq, at, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id)
  SELECT 'hot', 'central', n, n, '2026-01-01'::timestamptz + n * interval '1 minute', -1, 0, ${MOVEMENTS} - n, 0, 0, 0, 'sold', md5(n::text)::uuid
  FROM generate_series(1, ${MOVEMENTS}) n;
  UPDATE eco.group_state SET seq = ${BATCHES}, confirmed_seq = ${BATCHES};
  INSERT INTO eco.location SELECT 'branch-' || n FROM generate_series(1, ${BRANCHES}) n;
  INSERT INTO eco.movement_row (product_id, location, sequence, seq, at, on_hand_delta, reserved_delta, on_hand, reserved, n, bucket, movement, command_id)
  SELECT 'product-' || n % 1000, 'branch-1', n / 1000 + 1, n / ${ORDERS_OF_BATCH}, now(), -1, 0, 1000, 0, n % ${ORDERS_OF_BATCH}, n % 16, 'sold', md5(n::text)::uuid
  FROM generate_series(0, ${SALES} - 1) n;
  INSERT INTO eco.sale (sale_id, shift_id, seq, sold_at, total_cents, bucket, is_late, branch_id, till, receipt_number, lines, payment, excess)
  SELECT md5(n::text)::uuid, md5('s')::uuid, n / ${ORDERS_OF_BATCH}, '2026-01-01'::timestamptz + n * interval '1 minute', 500, n % 16, false,
         'branch-' || n % ${BRANCHES} + 1, '1', n, '[]', '{}', '[]'
  FROM generate_series(1, ${SALES}) n;
  INSERT INTO eco.transfer (transfer_id, seq, sent_at, arrived_at, quantity, bucket, status, product_id, from_location, to_location)
  SELECT md5(n::text)::uuid, n / ${ORDERS_OF_BATCH}, '2026-01-01', CASE WHEN n % 500 > 0 THEN '2026-01-02'::timestamptz END, 1, n % 16,
         CASE WHEN n % 500 > 0 THEN 'arrived' ELSE 'in-transit' END, 'product-' || n % ${PRODUCTS}, 'central', 'branch-' || n / 500 % ${BRANCHES} + 1
  FROM generate_series(1, ${SALES}) n;
  INSERT INTO eco.reservation (reservation_id, seq, created_at, expires_at, total_cents, bucket, status, customer_id, branch_id, lines)
  SELECT md5(n::text)::uuid, n / ${ORDERS_OF_BATCH}, '2026-01-01', '2030-01-01'::timestamptz + n * interval '1 second', 500, n % 16,
         CASE WHEN n % 5 > 0 THEN 'released' ELSE 'held' END, 'customer-' || n % ${CUSTOMERS}, 'branch-' || n % ${BRANCHES} + 1, '[]'
  FROM generate_series(1, ${SALES}) n;
  INSERT INTO eco.hold (reservation_id, product_id, seq, expires_at, quantity, bucket)
  SELECT md5(n::text)::uuid, 'product-' || product, n / ${ORDERS_OF_BATCH}, '2030-01-01'::timestamptz + n * interval '1 second', 1, n % 16
  FROM generate_series(5, ${SALES}, 5) n, generate_series(1, 3) product`,
];
/** The log is not durable, because the rows are not kept. */
const FILL_SETTINGS = "SET synchronous_commit = off; SET work_mem = '128MB'";

// Each query is planned as in a ReadSession: with the generic plan that a statement gets after some runs. A slow read
// is planned for its values each time.
const settingsOf = ({ pace }: Query<never>) =>
  pace === 'slow' ? SLOW_READ_PLAN_SETTINGS : { ...READ_PLAN_SETTINGS, plan_cache_mode: 'force_generic_plan' };
const FILL_MS = 300_000;
const ASK_MS = 60_000;

let group: DatabaseGroup;
let reader: SideConnection;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const [server] = group.servers as [DatabaseGroup['servers'][number]];
  const fill = async (text: string) => {
    const connection = new SideConnection(server, group.superuser, 'spec');
    for (const statement of text.split(';')) await connection.ask(statement, [], FILL_MS);
    connection.close();
  };
  await Promise.all(FILLS.map((statements) => fill(`${FILL_SETTINGS};${statements}`)));
  await fill('ANALYZE');
  reader = new SideConnection(server, group.login('eco_reader'), 'spec');
}, 400_000);
afterAll(async () => {
  reader?.close();
  await group?.stop();
});

const FIRST_ORDER = ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
const ALWAYS = ['-infinity', 'infinity'];
const ORDER = 'c4ca4238-a0b9-2382-0dcc-509a6f75849b';
const NO_ID = '00000000-0000-0000-0000-000000000000';
const NOTHING_ANNOUNCED = [null, null, null];
const pageOf = (topic: string, seq: number, limit = 1_000) => [topic, seq, WHOLE_BATCH, limit + 1, 1, 'tag'];
const by = { day: false, branch: false, product: false, ofProduct: false };

const queries: [name: string, query: Query<never>, values: Value[]][] = [
  ['an order', orderQuery, [ORDER, 'branch-1']],
  ['the branch of an order', orderBranchQuery, [ORDER]],
  ['an order that is none', orderQuery, ['00000000-0000-7000-8000-000000000000', null]],
  ['the outcome of a command', commandQuery, [ORDER]],
  ['which of the awaited commands are decided', decidedQuery, [Array.from({ length: 500 }, () => randomUUID())]],
  ["a customer's orders", ordersOfCustomerQuery, ['customer-7', ...FIRST_ORDER, 1001, ...ALWAYS, [ORDER], null]],
  [
    'orders of a customer who has a tenth of all',
    ordersOfCustomerQuery,
    ['company', ...FIRST_ORDER, 20, ...ALWAYS, [], null],
  ],
  [
    "a customer's orders at a branch",
    ordersOfCustomerQuery,
    ['customer-7', ...FIRST_ORDER, 101, ...ALWAYS, [], 'branch-3'],
  ],
  ["a branch's orders", ordersOfBranchQuery, ['branch-3', ...FIRST_ORDER, 1001, ...ALWAYS]],
  ["the head office's orders", ordersOfBranchQuery, ['central', ...FIRST_ORDER, 1001, ...ALWAYS]],
  ["a branch's orders of a day", ordersOfBranchQuery, ['branch-3', ...FIRST_ORDER, 1001, '2026-03-01', '2026-03-02']],
  [
    "a branch's orders in a status that few have",
    ordersOfBranchInStatusQuery,
    ['branch-3', ...FIRST_ORDER, 1001, ...ALWAYS, 'fulfilled'],
  ],
  [
    'orders in a status of a customer who has a tenth of all',
    ordersOfCustomerInStatusQuery,
    ['company', ...FIRST_ORDER, 1001, ...ALWAYS, [], null, 'cancelled'],
  ],
  ['reservations', heldReservationsQuery, ['-infinity', NO_ID, 1001, null]],
  [
    'the next page of the reservations of a branch',
    heldReservationsQuery,
    ['2030-01-01T06:00:00Z', NO_ID, 101, 'branch-6'],
  ],
  ['reservations of a customer', heldOfCustomerQuery, ['-infinity', NO_ID, 101, null, 'customer-7']],
  ['transfers in transit', transfersInTransitQuery, ['', NO_ID, 1001, null, null]],
  ['transfers in transit at a branch', transfersInTransitQuery, ['branch-2', NO_ID, 101, 'branch-3', null]],
  ['a product', productQuery, ['product-1']],
  ['the catalogue', productsQuery, ['product-5', 1001]],
  ['products by name', productsOfNameQuery, ['', 101, 'name 12']],
  ['stock of a product', productStockQuery, ['product-1']],
  ['the latest movements of a level', movementsQuery, ['hot', 'central', MOVEMENTS + 1, 1001, ...ALWAYS]],
  ['movements of an hour', movementsQuery, ['hot', 'central', MOVEMENTS + 1, 1001, '2026-01-05', '2026-01-05 01:00']],
  ['the next page of movements', movementsQuery, ['hot', 'central', 9000, 1001, '2026-01-02', '2026-01-08']],
  ['stock', inventoryQuery, ['product-5', 'central', 1001]],
  ['stock of a location', inventoryOfLocationQuery, ['product-5', 'central', 1001, 'branch-1']],
  ['low stock', lowStockQuery, ['', '', 101, 5]],
  ['the next page of low stock', lowStockQuery, ['product-5', 'branch-1', 101, 5]],
  ['low stock at central', lowStockAtCentralQuery, ['product-2', 'central', 101, 5]],
  ['low stock of a branch', lowStockAtBranchQuery, ['product-2', 'central', 101, 5, 'branch-1']],
  ['a customer', customerQuery, ['customer-1']],
  ['customers by e-mail', customersOfEmailQuery, ['', 101, 'C7@example.com']],
  ['a cart', cartQuery, ['customer-1', '', 201]],
  ['products of a cart', cartProductsQuery, [['product-1', 'product-2']]],
  ['changes of orders', changesQuery('orders'), [...pageOf('orders', BATCHES / 2), ...NOTHING_ANNOUNCED]],
  ['changes of stock', changesQuery('stock'), [...pageOf('stock', BATCHES / 2), ...NOTHING_ANNOUNCED]],
  [
    'changes that concern a branch',
    changesOfBranchQuery,
    [...pageOf('orders', BATCHES / 2), ...NOTHING_ANNOUNCED, 'branch-1'],
  ],
  ['the latest changes', changesQuery('orders'), [...pageOf('orders', BATCHES - 5), ...NOTHING_ANNOUNCED]],
  ['changes up to an announced batch', changesQuery('orders'), [...pageOf('orders', BATCHES / 2), 1, 'tag', BATCHES]],
  ['the last change of orders', lastChangeQuery, ['orders', BATCHES - 5]],
  ['the last change of stock', lastChangeQuery, ['stock', BATCHES - 5]],
  [
    'changes that a consumer has not applied',
    notAppliedQuery,
    [
      ['orders', 'stock', 'customers'],
      [5, 5, 5],
      [1, 1, 1],
      [1, 1, 1],
      ['tag', 'tag', 'tag'],
    ],
  ],
  ['sums of changes', sumsOfChanges.orders, [...pageOf('orders', BATCHES / 2, 5_000), ...NOTHING_ANNOUNCED]],
  ['quotas', quotasQuery, ['', '', 101, null, 7]],
  ['quotas of a branch', quotasQuery, ['branch-1', 'product-1', 101, 'branch-1', 7]],
  ['sales of tills', salesQuery, [...FIRST_ORDER, 101, ...ALWAYS, null]],
  ['sales of the tills of a branch', salesQuery, [...FIRST_ORDER, 1001, ...ALWAYS, 'branch-3']],
  ['a sale of a till', saleQuery, [ORDER]],
  ['sales by day', salesQueryOf({ ...by, day: true }), ['2026-01-01', '2026-06-30', null, '', '', '', 101]],
  ['sales of a branch', salesQueryOf({ ...by, day: true }), ['2026-01-01', '2026-06-30', 'branch-1', '', '', '', 101]],
  [
    'sales of a product',
    salesQueryOf({ ...by, day: true, ofProduct: true }),
    ['2026-01-01', '2026-06-30', null, '', '', '', 101, 'product-1'],
  ],
  ['sales by product', salesQueryOf({ ...by, product: true }), ['2026-03-01', '2026-03-07', null, '', '', '', 101]],
] as [string, Query<never>, Value[]][];

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Plan[];
}

/** Tables that stay small, whatever the chain sells. */
const SMALL = ['group_state', 'bucket_ownership', 'progress', 'location', 'holder'];

async function planOf(query: Query<never>, values: readonly Value[]): Promise<Plan> {
  const { text } = query.statement;
  // EXPLAIN takes no parameters, so the values go to EXECUTE of a prepared statement.
  for (const statement of ['DEALLOCATE ALL', 'RESET ALL', 'SET statement_timeout = 0'])
    await reader.ask(statement, [], ASK_MS);
  for (const [name, value] of Object.entries(settingsOf(query)))
    await reader.ask(`SET ${name} = '${value}'`, [], ASK_MS);
  await reader.ask(`PREPARE asked AS ${text}`, [], ASK_MS);
  const given = values.map(literal).join(', ');
  const rows = await reader.ask<{ 'QUERY PLAN': { Plan: Plan }[] }>(
    `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE asked (${given})`,
    [],
    ASK_MS,
  );
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
  if (plan === undefined) throw new Error('there is no plan');
  return plan;
}

type Value = string | number | null | readonly (string | number)[];

function literal(value: Value): string {
  if (value === null) return 'NULL';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? `'${value}'` : `'{${value.join(',')}}'`;
}

function steps(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(steps)];
}

it.each(queries)('%s', async (_name, query, values) => {
  const all = steps(await planOf(query, values));
  const scans = all.filter((step) => step['Relation Name'] !== undefined && !SMALL.includes(step['Relation Name']));
  // A report over most of a small table may read all of it.
  if (query.pace !== 'slow') expect(scans.filter((step) => step['Node Type'] === 'Seq Scan')).toEqual([]);
  const tooMany = scans.filter((step) => touchedBy(step) > ROWS_MAX);
  expect(tooMany.map((step) => ({ ...step, touched: touchedBy(step) }))).toEqual([]);
});

function touchedBy(step: Plan): number {
  const removed = (step['Rows Removed by Filter'] ?? 0) + (step['Rows Removed by Index Recheck'] ?? 0);
  return (step['Actual Rows'] + removed) * step['Actual Loops'];
}
