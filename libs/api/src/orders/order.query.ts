import type { z } from 'zod';
import { CENTRAL, type orderSchema } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

export type Order = z.infer<typeof orderSchema>;

export interface OrderRow {
  order_id: string;
  customer_id: string;
  branch_id: string | null;
  status: Order['status'];
  lines: Order['lines'];
  total_cents: number;
  short: Order['short'] | null;
  unknown_products: string[] | null;
  placed_at: Date;
  decided_at: Date;
  reservation_id: string | null;
  ended_at: Date | null;
  returned: Order['returned'] | null;
}

export const ORDER_COLUMNS = `o.order_id, o.customer_id, o.branch_id, o.status, o.lines, o.total_cents::float8 AS total_cents,
  o.short, o.unknown_products, o.placed_at, o.decided_at, o.reservation_id, o.ended_at, o.returned`;

export function orderOf(row: OrderRow): Order {
  return {
    orderId: row.order_id,
    customerId: row.customer_id,
    branchId: row.branch_id,
    status: row.status,
    lines: row.lines,
    totalCents: row.total_cents,
    short: row.short ?? [],
    unknownProducts: row.unknown_products ?? [],
    placedAt: row.placed_at.toISOString(),
    decidedAt: row.decided_at.toISOString(),
    reservationId: row.reservation_id,
    endedAt: row.ended_at?.toISOString() ?? null,
    returned: row.returned ?? [],
  };
}

export interface NoOrder {
  /** Reason why a decided command made no order. Null: there is an order, or no decision yet. */
  no_order_because: string | null;
  /** The id of the order, if its request was decided under another of its ids. */
  decided_as: string | null;
}

/** $1 order id. Uses the primary key of orders. */
export const orderBranchQuery = query<Pick<OrderRow, 'branch_id'>>({
  name: 'order-branch',
  rows: `SELECT o.branch_id FROM eco.orders o WHERE o.order_id = $1 AND ${owned('o')}`,
});

/**
 * $1 order id, $2 the reader's branch or null. A tombstone of another branch is not shown, because it does not bind an
 * order of the reader's branch. Uses the primary keys of orders, outcome, tombstone and dead_letter; all but the first
 * only if there is no order.
 */
export const orderQuery = query<OrderRow, NoOrder>({
  name: 'order',
  rows: `SELECT ${ORDER_COLUMNS} FROM eco.orders o WHERE o.order_id = $1 AND ${owned('o')}`,
  extra: `
    CASE WHEN r.found IS NULL THEN coalesce(
      (SELECT concat_ws(': ', u.status, u.result ->> 'reason') FROM eco.outcome u WHERE u.command_id = $1),
      (SELECT t.reason FROM eco.tombstone t
       WHERE t.command_id = $1 AND t.author IN ('${CENTRAL}', $2::text) LIMIT 1),
      (SELECT 'kept as a dead letter: ' || d.reason FROM eco.dead_letter d
       WHERE d.command_id = $1 AND d.state = 'open' AND d.error_class <> 'forbidden' LIMIT 1)
    ) END AS no_order_because,
    CASE WHEN r.found IS NULL THEN
      (SELECT u.decided_as FROM eco.outcome u WHERE u.command_id = $1)
    END AS decided_as`,
});
