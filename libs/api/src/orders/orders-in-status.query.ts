import { query } from '@eco/reads';
import { ORDER_COLUMNS, type OrderRow } from './order.query.js';
import { PENDING_ORDERS, type PendingOrders } from './orders-of-customer.query.js';
import { owned } from '../owned.js';

/**
 * Most orders of a group that a page of orders in a status looks at. They are found by scanning: an index on the status
 * would be written twice with every order, and would prevent in-page updates (HOT) when an order ends.
 */
export const ORDERS_LOOKED_AT_MAX = 5_000;

/**
 * `nth` numbers the orders that the page looked at. The last of them is included in whatever status, because the next
 * page begins after it.
 */
export interface OrderInStatusRow extends OrderRow {
  nth: number;
}

const NEWEST_FIRST = 'r.placed_at DESC, r.order_id DESC';
const rowsOf = (where: string, status: string) => `
    SELECT ${ORDER_COLUMNS}, o.nth FROM (
      SELECT w.*, row_number() OVER (ORDER BY w.placed_at DESC, w.order_id DESC)::integer AS nth
      FROM (
        SELECT o.* FROM eco.orders o
        WHERE ${where} AND (o.placed_at, o.order_id) < ($2::timestamptz, $3::uuid)
          AND o.placed_at >= $5::timestamptz AND o.placed_at < $6::timestamptz AND ${owned('o')}
        ORDER BY o.placed_at DESC, o.order_id DESC LIMIT ${ORDERS_LOOKED_AT_MAX}
      ) w
    ) o
    WHERE o.status = ${status} OR o.nth = ${ORDERS_LOOKED_AT_MAX}
    ORDER BY o.placed_at DESC, o.order_id DESC LIMIT $4`;

/** As `ordersOfBranchQuery`, in the status $7. */
export const ordersOfBranchInStatusQuery = query<OrderInStatusRow>({
  name: 'orders-of-branch-in-status',
  rows: rowsOf(`coalesce(o.branch_id, 'central') = $1`, '$7'),
  order: NEWEST_FIRST,
});

/** As `ordersOfCustomerQuery`, in the status $9. */
export const ordersOfCustomerInStatusQuery = query<OrderInStatusRow, PendingOrders>({
  name: 'orders-of-customer-in-status',
  rows: rowsOf(`o.customer_id = $1 AND ($8::text IS NULL OR coalesce(o.branch_id, 'central') = $8)`, '$9'),
  order: NEWEST_FIRST,
  extra: PENDING_ORDERS,
});
