import { movableTables, writtenTables } from '../tables/tables.js';
import { branchChecks } from './branch-checks.js';
import type { Check } from './check.js';
import { inventoryChecks } from './inventory-checks.js';
import { statisticsChecks } from './statistics-checks.js';

/**
 * The tables as the checks see them. The CTEs are not materialized, so that each check may use the indexes. A copy of an
 * outcome under another id of its request has no effects, so the checks do not see it.
 */
export const OWNED = `
WITH owned AS (SELECT array_agg(b.bucket) AS buckets FROM eco.bucket_ownership b WHERE b.state = 'owned'),
buckets AS (SELECT s.value::integer AS count FROM eco.setting s WHERE s.name = 'buckets'),
${movableTables
  .map(
    ({ name, view = name, rows }) =>
      `${rows} AS NOT MATERIALIZED (SELECT t.* FROM ${view} t, owned WHERE t.bucket = ANY (owned.buckets)${
        rows === 'outcomes' ? ' AND t.decided_as IS NULL' : ''
      }),`,
  )
  .join('\n')}
-- Lines of orders that were confirmed, whatever became of them, and of reservations; of products that are this group's.
order_lines AS NOT MATERIALIZED (
  SELECT o.order_id, o.status, o.reservation_id, line ->> 'productId' AS product_id, (line ->> 'quantity')::bigint AS quantity
  FROM orders o CROSS JOIN jsonb_array_elements(o.lines) AS line
  WHERE o.status <> 'rejected'
    AND eco.bucket_of(line ->> 'productId', (SELECT count FROM buckets)) = ANY ((SELECT buckets FROM owned)::integer[])
),
reservation_lines AS NOT MATERIALIZED (
  SELECT r.reservation_id, r.status, r.expires_at, line ->> 'productId' AS product_id, (line ->> 'quantity')::bigint AS quantity
  FROM reservations r CROSS JOIN jsonb_array_elements(r.lines) AS line
  WHERE eco.bucket_of(line ->> 'productId', (SELECT count FROM buckets)) = ANY ((SELECT buckets FROM owned)::integer[])
),
sale_lines AS NOT MATERIALIZED (
  SELECT s.sale_id, s.voided_at, line ->> 'productId' AS product_id, (line ->> 'quantity')::bigint AS quantity
  FROM sales s CROSS JOIN jsonb_array_elements(s.lines) AS line
  WHERE eco.bucket_of(line ->> 'productId', (SELECT count FROM buckets)) = ANY ((SELECT buckets FROM owned)::integer[])
),
sale_return_lines AS NOT MATERIALIZED (
  SELECT r.return_id, line ->> 'productId' AS product_id, (line ->> 'quantity')::bigint AS quantity
  FROM sale_returns r CROSS JOIN jsonb_array_elements(r.lines) AS line
  WHERE eco.bucket_of(line ->> 'productId', (SELECT count FROM buckets)) = ANY ((SELECT buckets FROM owned)::integer[])
)`;

const ORDER_KINDS = `('order.place', 'cart.checkout', 'reservation.confirm')`;

const orderChecks: readonly Check[] = [
  {
    rule: 'R2',
    name: 'order-has-outcome',
    says: 'An order has no outcome of the same batch that says the same.',
    sql: `
SELECT o.order_id, o.status, o.seq
FROM orders o
LEFT JOIN outcomes u ON u.command_id = o.order_id AND u.kind IN ${ORDER_KINDS}
  AND (u.seq = o.seq OR (u.seq < o.seq AND o.status IN ('cancelled', 'fulfilled')))
  AND u.status = CASE o.status WHEN 'rejected' THEN 'refused' ELSE 'done' END
WHERE u.command_id IS NULL`,
  },
  {
    rule: 'R2',
    name: 'outcome-has-order',
    says: 'An outcome speaks of an order that is not there.',
    sql: `
SELECT u.command_id, u.kind, u.status, u.seq
FROM outcomes u
LEFT JOIN orders o ON o.order_id = u.command_id
WHERE u.kind IN ${ORDER_KINDS} AND (u.status = 'done' OR (u.status = 'refused' AND u.result IS NULL))
  AND o.order_id IS NULL`,
  },
  {
    rule: 'R2',
    name: 'line-reserved-once',
    says: 'Units of a line of an order or reservation were not reserved once, or were reserved for no line.',
    sql: `
SELECT coalesce(l.command_id, r.command_id) AS command_id, coalesce(l.product_id, r.product_id) AS product_id,
  l.quantity, r.reserved, coalesce(r.times, 0) AS times
FROM (
  SELECT l.order_id AS command_id, l.product_id, l.quantity FROM order_lines l WHERE l.reservation_id IS NULL
  UNION ALL
  SELECT l.reservation_id, l.product_id, l.quantity FROM reservation_lines l
) l
FULL JOIN (
  SELECT m.command_id, m.product_id, sum(m.reserved_delta) AS reserved, count(*) AS times
  FROM movements m
  WHERE m.movement = 'reserved'
  GROUP BY m.command_id, m.product_id
) r ON r.command_id = l.command_id AND r.product_id = l.product_id
WHERE l.command_id IS NULL OR r.times IS DISTINCT FROM 1 OR r.reserved <> l.quantity`,
  },
  {
    rule: 'R2',
    name: 'movement-has-cause',
    says: 'A movement was caused by no command that was done, or by one twice.',
    sql: `
SELECT m.command_id, m.product_id, m.location, m.movement, count(*) AS times
FROM movements m
LEFT JOIN outcomes u ON u.command_id = m.command_id AND u.status = 'done'
GROUP BY m.command_id, m.product_id, m.location, m.movement
HAVING count(u.command_id) <> count(*) OR count(*) > 1`,
  },
  {
    rule: 'R2',
    name: 'settled-once',
    says: 'A command has both an outcome and an open dead letter.',
    sql: `
SELECT d.command_id, d.reason
FROM eco.dead_letter d
JOIN eco.outcome u ON u.command_id = d.command_id AND u.body_hash = d.body_hash
WHERE d.state = 'open'`,
  },
  {
    rule: 'R2',
    name: 'closed-letter-has-outcome',
    says: 'A dead letter that is not forbidden was replayed or discarded, and its command has no outcome.',
    sql: `
SELECT d.command_id, d.state, d.reason
FROM eco.dead_letter d
LEFT JOIN eco.outcome u ON u.command_id = d.command_id
WHERE d.state <> 'open' AND d.error_class <> 'forbidden' AND u.command_id IS NULL
  AND (d.bucket IS NULL OR d.bucket = ANY ((SELECT buckets FROM owned)::integer[]))`,
  },
  {
    rule: 'R2',
    name: 'changes-numbered',
    says: 'The changes of a batch under a topic are not numbered 1, 2, 3, … without gaps.',
    sql: `
SELECT c.topic, c.seq, count(*) AS changes, min(c.n) AS first, max(c.n) AS last
FROM (
  SELECT u.topic, u.seq, u.n FROM eco.outcome u WHERE u.topic IS NOT NULL
  UNION ALL
  SELECT 'stock', m.seq, m.n FROM eco.movement m
) c
GROUP BY c.topic, c.seq
HAVING min(c.n) <> 1 OR max(c.n) <> count(*) OR count(DISTINCT c.n) <> count(*)`,
  },
  {
    rule: 'R2',
    name: 'no-row-from-the-future',
    says: 'A row names a batch that the group has not reached.',
    sql: `
SELECT r.rows, r.seq, s.seq AS reached
FROM (
${writtenTables.map(({ name }) => `  SELECT '${name}' AS rows, max(t.seq) AS seq FROM ${name} t`).join('\n  UNION ALL\n')}
) r, eco.group_state s
WHERE r.seq > s.seq`,
  },
  {
    rule: 'R3',
    name: 'never-oversold',
    says: 'A stock level does not hold 0 ≤ reserved ≤ on hand.',
    sql: `
SELECT l.product_id, l.location, l.on_hand, l.reserved
FROM levels l
WHERE NOT (0 <= l.reserved AND l.reserved <= l.on_hand)`,
  },
  {
    rule: 'R3',
    name: 'ledger-gap-free',
    says: 'A movement does not follow from the one before it.',
    sql: `
SELECT m.product_id, m.location, m.sequence, m.on_hand, m.reserved
FROM (
  SELECT m.*,
    lag(m.sequence, 1, 0::bigint) OVER ledger AS last_sequence,
    lag(m.on_hand, 1, 0::bigint) OVER ledger AS last_on_hand,
    lag(m.reserved, 1, 0::bigint) OVER ledger AS last_reserved
  FROM movements m
  WINDOW ledger AS (PARTITION BY m.product_id, m.location ORDER BY m.sequence)
) m
WHERE m.sequence <> m.last_sequence + 1 OR m.on_hand <> m.last_on_hand + m.on_hand_delta
  OR m.reserved <> m.last_reserved + m.reserved_delta`,
  },
  {
    rule: 'R3',
    name: 'level-is-ledger',
    says: 'A stock level is not what its last movement left.',
    sql: `
SELECT coalesce(l.product_id, m.product_id) AS product_id, coalesce(l.location, m.location) AS location,
  l.sequence, l.on_hand, l.reserved, m.sequence AS last_sequence, m.on_hand AS last_on_hand, m.reserved AS last_reserved
FROM levels l
FULL JOIN (
  SELECT DISTINCT ON (m.product_id, m.location) m.*
  FROM movements m
  ORDER BY m.product_id, m.location, m.sequence DESC
) m ON m.product_id = l.product_id AND m.location = l.location
WHERE (l.sequence, l.on_hand, l.reserved)
  IS DISTINCT FROM (coalesce(m.sequence, 0), coalesce(m.on_hand, 0), coalesce(m.reserved, 0))`,
  },
  {
    rule: 'R3',
    name: 'reserved-is-promised',
    says: 'What is reserved of a product is not what held reservations and open orders were promised, or not at central.',
    sql: `
SELECT coalesce(l.product_id, p.product_id) AS product_id, l.location, l.reserved, p.promised
FROM levels l
FULL JOIN (
  SELECT c.product_id, 'central' AS location, sum(c.quantity) AS promised
  FROM (
    SELECT o.product_id, o.quantity FROM order_lines o WHERE o.status = 'confirmed'
    UNION ALL
    SELECT r.product_id, r.quantity FROM reservation_lines r WHERE r.status = 'held'
  ) c
  GROUP BY c.product_id
) p ON p.product_id = l.product_id AND p.location = l.location
WHERE coalesce(l.reserved, 0) <> coalesce(p.promised, 0)`,
  },
  {
    rule: 'R4',
    name: 'units-conserved',
    says: 'Units of a product that lie somewhere, are in transit or were sold and not returned are not those that came in.',
    sql: `
SELECT u.product_id, sum(u.on_hand) AS on_hand, sum(u.in_transit) AS in_transit, sum(u.sold) AS sold,
  sum(u.returned) AS returned, sum(u.came_in) AS came_in
FROM (
  -- A discrepancy counts units that came in without a record.
  SELECT l.product_id, CASE WHEN l.location LIKE '%/discrepancy' THEN 0 ELSE l.on_hand END AS on_hand,
    0 AS in_transit, 0 AS sold, 0 AS returned,
    CASE WHEN l.location LIKE '%/discrepancy' THEN l.on_hand ELSE 0 END AS came_in
  FROM levels l
  UNION ALL
  SELECT t.product_id, 0, t.quantity, 0, 0, 0 FROM transfers t WHERE t.status = 'in-transit'
  UNION ALL
  SELECT o.product_id, 0, 0, o.quantity, 0, 0 FROM order_lines o WHERE o.status = 'fulfilled'
  UNION ALL
  SELECT line ->> 'productId', 0, 0, 0, (line ->> 'quantity')::bigint, 0
  FROM orders o CROSS JOIN jsonb_array_elements(o.returned) AS line
  WHERE eco.bucket_of(line ->> 'productId', (SELECT count FROM buckets)) = ANY ((SELECT buckets FROM owned)::integer[])
  UNION ALL
  SELECT s.product_id, 0, 0, s.quantity, 0, 0 FROM sale_lines s WHERE s.voided_at IS NULL
  UNION ALL
  SELECT r.product_id, 0, 0, 0, r.quantity, 0 FROM sale_return_lines r
  UNION ALL
  SELECT m.product_id, 0, 0, 0, 0,
    CASE WHEN m.location LIKE '%/discrepancy' THEN -m.on_hand_delta ELSE m.on_hand_delta END
  FROM movements m WHERE m.movement IN ('received', 'adjusted', 'counted', 'settled')
) u
GROUP BY u.product_id
HAVING sum(u.on_hand) + sum(u.in_transit) + sum(u.sold) - sum(u.returned) <> sum(u.came_in)`,
  },
];

export const checks: readonly Check[] = [...orderChecks, ...inventoryChecks, ...branchChecks, ...statisticsChecks];
