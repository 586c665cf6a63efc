import { query } from '@eco/reads';
import { ORDER_COLUMNS, type OrderRow } from './order.query.js';
import { owned } from '../owned.js';

/**
 * $1 branch, $2 and $3 the key to begin after, $4 limit, $5 and $6 the period. Newest first, by a backward scan of the
 * index orders_of_branch. Orders are routed by customer, so every group has some of a branch's.
 */
export const ordersOfBranchQuery = query<OrderRow>({
  name: 'orders-of-branch',
  rows: `
    SELECT ${ORDER_COLUMNS} FROM eco.orders o
    WHERE coalesce(o.branch_id, 'central') = $1 AND (o.placed_at, o.order_id) < ($2::timestamptz, $3::uuid)
      AND o.placed_at >= $5::timestamptz AND o.placed_at < $6::timestamptz AND ${owned('o')}
    ORDER BY o.placed_at DESC, o.order_id DESC LIMIT $4`,
  order: 'r.placed_at DESC, r.order_id DESC',
});
