import { sumsOfChanges, type Sum } from '@eco/api/reads';
import { defineConsumer } from '@eco/consumers';
import { FIGURES } from '@eco/database';

/**
 * Counts registrations, sales, cancellations and returns by day, branch and product. Each counts on its own day, so
 * figures of past days do not change, and at the branch that took the order. An order counts as returned with its last
 * unit: a partly returned one is still a sale.
 *
 * A sale at a branch counts as an order and its void as a cancellation, on the day of the branch's clock: a branch may
 * have been offline for days. Units that came back to a branch reduce units and revenue, but not the number of sales,
 * because nobody knows whether the customer kept others.
 */
export const statisticsConsumer = defineConsumer<Sum>({
  name: 'statistics',
  entities: [],
  // A row is written once for all orders that add to it. So the longer this pause is, the less an order costs the
  // primary. But it must be shorter than the time that a reader with a position waits (FRESH_WAIT_MS).
  paceMs: 750,
  summaries: sumsOfChanges,
  async apply(manager, sums, group) {
    if (sums.length === 0) return;
    const values = [group, JSON.stringify(sums)];
    await manager.query(ADD_TO_BRANCHES, values);
    await manager.query(ADD_TO_PRODUCTS, values);
  },
});

/** The sums of `FIGURES`, in their order. `orders`: the column of a `Sum` that counts orders. */
function figuresFrom(orders: 'orders' | 'whole_orders'): string[] {
  return (['sold', 'cancelled', 'returned'] as const).flatMap((kind) =>
    [orders, 'units', 'cents'].map((column) => sumOf(column, kind)),
  );
}

function sumOf(column: string, kind: Sum['kind']): string {
  return `coalesce(sum(c.${column}) FILTER (WHERE c.kind = '${kind}'), 0)::bigint`;
}

/**
 * Adds sums ($2, as JSON) of a group ($1) to the stored rows. The database computes the new values, because another
 * topic's changes may add to the same rows at the same time. It does so in key order to prevent deadlocks.
 */
function addTo(table: string, keys: readonly string[], columns: readonly string[], values: readonly string[]): string {
  const key = ['day', ...keys].join(', ');
  return `
INSERT INTO statistics.${table} AS t (group_id, ${key}, ${columns.join(', ')})
SELECT $1, (c.at AT TIME ZONE (SELECT z.time_zone FROM statistics.calendar z))::date AS day, ${keys.join(', ')},
       ${values.join(', ')}
FROM json_to_recordset($2::json) AS c (kind text, at timestamptz, branch_id text, product_id text, orders bigint,
  whole_orders bigint, units bigint, cents bigint)
WHERE ${keys.map((each) => `c.${each} IS NOT NULL`).join(' AND ')}
GROUP BY ${key} ORDER BY ${key}
ON CONFLICT (${key}, group_id) DO UPDATE SET
  ${columns.map((column) => `${column} = t.${column} + excluded.${column}`).join(', ')}`;
}

const ADD_TO_BRANCHES = addTo(
  'branch_day',
  ['branch_id'],
  ['registrations', ...FIGURES],
  [sumOf('orders', 'registered'), ...figuresFrom('whole_orders')],
);
const ADD_TO_PRODUCTS = addTo('product_day', ['branch_id', 'product_id'], FIGURES, figuresFrom('orders'));
