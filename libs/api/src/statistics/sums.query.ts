import { summary, type Summary } from '@eco/reads';

/** Sum of what the changes of one kind, quarter of an hour, branch and product add. */
export interface Sum {
  readonly kind: 'registered' | 'sold' | 'cancelled' | 'returned';
  /**
   * Begin of the quarter, ISO 8601. Days are made where the sums are stored, because that database knows the chain's time
   * zone. The UTC offset of every zone is a multiple of a quarter of an hour.
   */
  readonly at: string;
  /** Empty: the head office. */
  readonly branch_id: string;
  /** Null for registrations. */
  readonly product_id: string | null;
  /** Orders or sales that count for this product. */
  readonly orders: number;
  /** Of these, those that are counted in this row for all their products together. */
  readonly whole_orders: number;
  readonly units: number;
  readonly cents: number;
}

const quarterOf = (at: string) => `date_bin('15 minutes', ${at}, '1970-01-01 00:00:00+00')`;
const lines = `"productId" text, quantity bigint, "unitPriceCents" bigint`;

/** An order or a product counts as returned with its last unit. An order has one line per product. */
const orders = `
  SELECT k.kind, ${quarterOf('p.decided_at')} AS at, coalesce(p.change_data ->> 'branchId', p.branch_id, '') AS branch_id,
         l.product_id,
         count(*) FILTER (WHERE k.kind <> 'returned' OR l.units_kept = 0) AS orders,
         count(*) FILTER (WHERE l.n = 1 AND (k.kind <> 'returned' OR p.change_data ->> 'unitsKept' = '0')) AS whole_orders,
         sum(l.units) AS units, sum(l.units * l.cents) AS cents
  FROM page p
  JOIN (VALUES ('order.confirmed', 'sold'), ('order.cancelled', 'cancelled'), ('order.returned', 'returned'))
    AS k (type, kind) ON k.type = p.change_type
  CROSS JOIN LATERAL ROWS FROM (
    jsonb_to_recordset(coalesce(p.change_data -> 'lines', p.lines)) AS (${lines}, "unitsKept" bigint)
  ) WITH ORDINALITY AS l (product_id, units, cents, units_kept, n)
  GROUP BY 1, 2, 3, 4`;

/** A sale may have several lines of a product, and counts once for it. */
const sales = `
  SELECT k.kind, ${quarterOf('(p.change_data ->> k.at)::timestamptz')} AS at, p.change_data ->> 'branchId' AS branch_id,
         l.product_id,
         count(*) FILTER (WHERE k.kind <> 'returned' AND l.of_product = 1) AS orders,
         count(*) FILTER (WHERE k.kind <> 'returned' AND l.n = 1) AS whole_orders,
         sum(l.units) AS units, sum(l.units * l.cents) AS cents
  FROM page p
  JOIN (VALUES ('sale.recorded', 'sold', 'soldAt'), ('sale.voided', 'cancelled', 'voidedAt'),
    ('sale.returned', 'returned', 'returnedAt')) AS k (type, kind, at) ON k.type = p.change_type
  CROSS JOIN LATERAL (
    SELECT e.*, row_number() OVER (PARTITION BY e.product_id ORDER BY e.n) AS of_product
    FROM ROWS FROM (jsonb_to_recordset(p.change_data -> 'lines') AS (${lines}))
      WITH ORDINALITY AS e (product_id, units, cents, n)
  ) l
  GROUP BY 1, 2, 3, 4`;

const customers = `
  SELECT 'registered' AS kind, ${quarterOf("(p.change_data ->> 'registeredAt')::timestamptz")} AS at,
         coalesce(p.change_data ->> 'branchId', '') AS branch_id, NULL AS product_id,
         count(*) AS orders, count(*) AS whole_orders, 0 AS units, 0 AS cents
  FROM page p
  WHERE p.change_type = 'customer.registered'
  GROUP BY 2, 3`;

/** What the changes of a page add to the statistics, by topic. */
export const sumsOfChanges: Readonly<Record<'orders' | 'sales' | 'customers', Summary<Sum>>> = {
  orders: summary({ name: 'sums-of-orders', rows: orders }),
  sales: summary({ name: 'sums-of-sales', rows: sales }),
  customers: summary({ name: 'sums-of-customers', rows: customers }),
};
