import type { Check } from './check.js';

/*
 * Checks of what branches have reported: each entry was booked once, and its units moved once.
 *
 * A discrepancy counts units that left a branch although no record showed them there, so the checks read its movements
 * with the opposite sign.
 */

/** Kinds of commands that are entries of a branch's log. */
const ENTRY_KINDS = `('sale.record', 'sale.void', 'sale.return', 'shift.close', 'quota.accept', 'quota.give-back',
    'quota.count', 'branch.report')`;

export const branchChecks: readonly Check[] = [
  {
    rule: 'R2',
    name: 'entry-has-outcome',
    says: 'An entry of a branch has no outcome, or the outcome of an entry has no place in the log of a branch.',
    sql: `
SELECT coalesce(e.command_id, u.command_id) AS command_id, e.branch_id, e.incarnation, e.sequence, u.kind, u.status
FROM entries e
FULL JOIN (
  SELECT u.command_id, u.kind, u.status FROM outcomes u
  WHERE u.kind IN ${ENTRY_KINDS} AND u.status IN ('done', 'refused')
) u ON u.command_id = e.command_id
WHERE e.command_id IS NULL OR u.command_id IS NULL`,
  },
  {
    rule: 'R2',
    name: 'holder-is-entries',
    says: 'The record of a branch does not name the last of its entries.',
    sql: `
SELECT coalesce(h.branch_id, e.branch_id) AS branch_id, h.incarnation, h.sequence,
  e.incarnation AS last_incarnation, e.sequence AS last_sequence
FROM holders h
FULL JOIN (
  SELECT DISTINCT ON (e.branch_id) e.* FROM entries e ORDER BY e.branch_id, e.incarnation DESC, e.sequence DESC
) e ON e.branch_id = h.branch_id
WHERE (h.incarnation, h.sequence) IS DISTINCT FROM (e.incarnation, e.sequence)`,
  },
  {
    rule: 'R2',
    name: 'sale-has-outcome',
    says: 'A sale, a return or a shift has no outcome, or an outcome has no such row, or they differ.',
    sql: `
SELECT coalesce(s.id, u.command_id) AS id, s.kind, s.facts, u.kind AS outcome, u.facts AS said
FROM (
  SELECT s.sale_id AS id, 'sale.record' AS kind,
    jsonb_build_object('branchId', s.branch_id, 'excess', s.excess, 'isLate', s.is_late) AS facts
  FROM sales s
  UNION ALL
  SELECT r.return_id, 'sale.return', jsonb_build_object('branchId', r.branch_id) FROM sale_returns r
  UNION ALL
  SELECT s.shift_id, 'shift.close', jsonb_build_object('branchId', s.branch_id) FROM shifts s
) s
FULL JOIN (
  SELECT u.command_id, u.kind, u.result - 'saleId' - 'returnId' - 'shiftId' AS facts FROM outcomes u
  WHERE u.kind IN ('sale.record', 'sale.return', 'shift.close') AND u.status = 'done'
) u ON u.command_id = s.id
WHERE (s.kind, s.facts) IS DISTINCT FROM (u.kind, u.facts)`,
  },
  {
    rule: 'R2',
    name: 'sale-voided-by-outcome',
    says: 'A sale was voided without one outcome that says so, or the other way round.',
    sql: `
SELECT coalesce(s.sale_id, u.sale_id) AS sale_id, s.voided_at, coalesce(u.times, 0) AS times
FROM (SELECT s.sale_id, s.voided_at FROM sales s WHERE s.voided_at IS NOT NULL) s
FULL JOIN (
  SELECT (u.result ->> 'saleId')::uuid AS sale_id, count(*) AS times
  FROM outcomes u WHERE u.kind = 'sale.void' AND u.status = 'done' GROUP BY 1
) u ON u.sale_id = s.sale_id
WHERE s.sale_id IS NULL OR u.times IS DISTINCT FROM 1`,
  },
  {
    rule: 'R2',
    name: 'sold-lines-moved-once',
    says: 'Units of a sale, of its void or of a return at a branch did not move once, or moved without one.',
    sql: `
SELECT coalesce(l.command_id, m.command_id) AS command_id, coalesce(l.product_id, m.product_id) AS product_id,
  l.movement, l.units, l.excess, m.movement AS moved, m.units AS moved_units, m.excess AS moved_excess
FROM (
  SELECT l.command_id, l.movement, l.product_id, sum(l.units) AS units, sum(l.excess) AS excess
  FROM (
    SELECT s.sale_id AS command_id, 'sold' AS movement, s.product_id, s.quantity AS units, 0 AS excess FROM sale_lines s
    UNION ALL
    SELECT s.sale_id, 'sold', line ->> 'productId', 0, (line ->> 'quantity')::bigint
    FROM sales s CROSS JOIN jsonb_array_elements(s.excess) AS line
    UNION ALL
    SELECT u.command_id, 'voided', s.product_id, -s.quantity, null
    FROM outcomes u JOIN sale_lines s ON s.sale_id = (u.result ->> 'saleId')::uuid
    WHERE u.kind = 'sale.void' AND u.status = 'done'
    UNION ALL
    SELECT r.return_id, 'returned', r.product_id, -r.quantity, 0 FROM sale_return_lines r
  ) l
  GROUP BY 1, 2, 3
) l
FULL JOIN (
  SELECT m.command_id, m.movement, m.product_id, sum(CASE WHEN m.is_open THEN m.on_hand_delta ELSE -m.on_hand_delta END) AS units,
    sum(m.on_hand_delta) FILTER (WHERE m.is_open) AS excess
  FROM (SELECT m.*, m.location LIKE '%/discrepancy' AS is_open FROM movements m) m
  WHERE m.movement IN ('sold', 'voided')
    OR (m.movement = 'returned' AND EXISTS (SELECT FROM sale_returns r WHERE r.return_id = m.command_id))
  GROUP BY 1, 2, 3
) m ON m.command_id = l.command_id AND m.product_id = l.product_id
WHERE (l.movement, l.units) IS DISTINCT FROM (m.movement, m.units) OR l.excess <> coalesce(m.excess, 0)`,
  },
  {
    rule: 'R2',
    name: 'quota-outcome-moved-once',
    says: 'What an outcome says of a quota and the movements that it caused are not the same.',
    sql: `
SELECT u.command_id, u.kind, u.result, m.central, m.branch, m.written_off, m.discrepancy
FROM (
  SELECT u.command_id, u.kind, u.result, (u.result ->> 'quantity')::bigint AS quantity,
    (u.result ->> 'delta')::bigint + (u.result ->> 'excess')::bigint AS counted,
    (u.result ->> 'excess')::bigint - (u.result ->> 'settled')::bigint AS opened
  FROM outcomes u
  WHERE u.status = 'done'
    AND u.kind IN ('quota.fetch', 'quota.accept', 'quota.give-back', 'quota.count', 'quota.write-off', 'quota.settle')
) u
LEFT JOIN (
  SELECT m.command_id,
    sum(m.on_hand_delta) FILTER (WHERE m.location = 'central') AS central,
    sum(m.on_hand_delta) FILTER (WHERE m.location <> 'central' AND m.location NOT LIKE '%/discrepancy') AS branch,
    sum(m.on_hand_delta) FILTER (WHERE m.location LIKE '%/written-off') AS written_off,
    sum(m.on_hand_delta) FILTER (WHERE m.location LIKE '%/discrepancy') AS discrepancy
  FROM movements m GROUP BY 1
) m ON m.command_id = u.command_id
WHERE (coalesce(m.central, 0)::bigint, coalesce(m.branch, 0)::bigint, coalesce(m.discrepancy, 0)::bigint) <> CASE u.kind
    WHEN 'quota.fetch' THEN (-u.quantity, 0::bigint, 0::bigint)
    -- Units that a restored home had forgotten came from the pool.
    WHEN 'quota.accept' THEN (CASE WHEN u.result ? 'wasForgotten' THEN -u.quantity ELSE 0::bigint END, u.quantity, 0::bigint)
    WHEN 'quota.give-back' THEN (u.quantity, -u.quantity, 0::bigint)
    WHEN 'quota.count' THEN (0::bigint, u.counted, u.opened)
    WHEN 'quota.write-off' THEN (0::bigint, 0::bigint, 0::bigint)
    ELSE (0::bigint, 0::bigint, -u.quantity) END
  OR (u.kind = 'quota.write-off' AND m.written_off IS DISTINCT FROM u.quantity)`,
  },
  {
    rule: 'R4',
    name: 'discrepancy-is-excess',
    says: 'The open discrepancy of a product at a branch is not what sales and counts exceeded and nobody settled.',
    sql: `
SELECT d.product_id, d.location, sum(d.open) AS open, sum(d.excess) AS excess, sum(d.settled) AS settled
FROM (
  SELECT l.product_id, l.location, l.on_hand AS open, 0 AS excess, 0 AS settled
  FROM levels l WHERE l.location LIKE '%/discrepancy'
  UNION ALL
  SELECT line ->> 'productId', s.branch_id || '/discrepancy', 0, (line ->> 'quantity')::bigint, 0
  FROM sales s CROSS JOIN jsonb_array_elements(s.excess) AS line
  UNION ALL
  SELECT u.result ->> 'productId', (u.result ->> 'branchId') || '/discrepancy', 0, (u.result ->> 'excess')::bigint,
    (u.result ->> 'settled')::bigint
  FROM outcomes u WHERE u.kind = 'quota.count' AND u.status = 'done'
  UNION ALL
  SELECT u.result ->> 'productId', (u.result ->> 'branchId') || '/discrepancy', 0, 0, (u.result ->> 'quantity')::bigint
  FROM outcomes u WHERE u.kind = 'quota.settle' AND u.status = 'done'
  UNION ALL
  SELECT m.product_id, m.location, 0, 0, -m.on_hand_delta
  FROM movements m WHERE m.movement = 'voided' AND m.location LIKE '%/discrepancy'
) d
GROUP BY d.product_id, d.location
HAVING sum(d.open) <> sum(d.excess) - sum(d.settled)`,
  },
];
