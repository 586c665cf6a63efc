import { query } from '@eco/reads';
import { ORDER_COLUMNS, type OrderRow } from './order.query.js';
import { owned } from '../owned.js';

/** Accepted orders that the reader names and that this snapshot shows as undecided. */
export interface PendingOrders {
  pending: string[];
}

/** Extra column: the orders of $7 that are pending. */
export const PENDING_ORDERS = `
    ARRAY(
      SELECT id FROM unnest($7::uuid[]) AS accepted (id)
      WHERE NOT EXISTS (SELECT FROM eco.orders o WHERE o.order_id = id)
        AND NOT EXISTS (SELECT FROM eco.outcome_row u WHERE u.command_id = id)
        AND NOT EXISTS (SELECT FROM eco.dead_letter d WHERE d.command_id = id AND d.state = 'open'
          AND d.error_class <> 'forbidden')
    )::text[] AS pending`;

/**
 * $1 customer, $2 and $3 the key to begin after, $4 limit, $5 and $6 the period, $7 accepted orders, $8 branch or null.
 * Newest first, by a backward scan of the index orders_of_customer; the id makes the order total.
 */
export const ordersOfCustomerQuery = query<OrderRow, PendingOrders>({
  name: 'orders-of-customer',
  rows: `
    SELECT ${ORDER_COLUMNS} FROM eco.orders o
    WHERE o.customer_id = $1 AND (o.placed_at, o.order_id) < ($2::timestamptz, $3::uuid)
      AND o.placed_at >= $5::timestamptz AND o.placed_at < $6::timestamptz
      AND ($8::text IS NULL OR coalesce(o.branch_id, 'central') = $8) AND ${owned('o')}
    ORDER BY o.placed_at DESC, o.order_id DESC LIMIT $4`,
  order: 'r.placed_at DESC, r.order_id DESC',
  extra: PENDING_ORDERS,
});
