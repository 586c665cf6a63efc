import { COMMAND_DAYS_MAX } from '@eco/contracts';
import type { Check } from './check.js';

/*
 * Checks of reservations, transfers and orders: each outcome has its effects exactly once.
 */

export const inventoryChecks: readonly Check[] = [
  {
    rule: 'R2',
    name: 'ended-lines-moved-once',
    says: 'Units that a cancelled, fulfilled, returned, released or expired line speaks of did not move once, or moved without one.',
    sql: `
SELECT coalesce(l.command_id, m.command_id) AS command_id, coalesce(l.product_id, m.product_id) AS product_id,
  l.kind, l.quantity, m.movement, m.quantity AS moved, coalesce(m.times, 0) AS times
FROM (
  SELECT u.command_id, u.kind, line ->> 'productId' AS product_id, (line ->> 'quantity')::bigint AS quantity
  FROM outcomes u CROSS JOIN jsonb_array_elements(u.result -> 'lines') AS line
  WHERE u.status = 'done'
    AND u.kind IN ('order.cancel', 'order.fulfil', 'order.return', 'reservation.release', 'reservation.expire')
    AND eco.bucket_of(line ->> 'productId', (SELECT count FROM buckets)) = ANY ((SELECT buckets FROM owned)::integer[])
) l
FULL JOIN (
  SELECT m.command_id, m.product_id, min(m.movement) AS movement, count(*) AS times,
    sum(CASE m.movement WHEN 'returned' THEN m.on_hand_delta ELSE -m.reserved_delta END) AS quantity
  FROM movements m
  WHERE m.movement IN ('released', 'fulfilled', 'returned')
    AND NOT EXISTS (SELECT FROM sale_returns r WHERE r.return_id = m.command_id)
  GROUP BY m.command_id, m.product_id
) m ON m.command_id = l.command_id AND m.product_id = l.product_id
WHERE l.command_id IS NULL OR m.times IS DISTINCT FROM 1 OR m.quantity <> l.quantity
  OR m.movement <> CASE l.kind WHEN 'order.fulfil' THEN 'fulfilled' WHEN 'order.return' THEN 'returned' ELSE 'released' END`,
  },
  {
    rule: 'R2',
    name: 'stock-outcome-moved-once',
    says: 'What an outcome says of a stock level and the movement that it caused are not the same.',
    sql: `
SELECT coalesce(u.command_id, m.command_id) AS command_id, u.kind, u.product_id, u.location, u.delta, u.sequence,
  m.movement, m.product_id AS moved_product_id, m.location AS moved_location, m.on_hand_delta, m.sequence AS moved_sequence
FROM (
  SELECT u.command_id, u.kind, u.result ->> 'productId' AS product_id, u.result ->> 'location' AS location,
    (u.result ->> 'delta')::bigint AS delta, (u.result ->> 'sequence')::bigint AS sequence
  FROM outcomes u
  WHERE u.status = 'done' AND u.kind IN ('stock.receive', 'stock.adjust', 'stock.count', 'transfer.send', 'transfer.receive')
    AND (u.result ->> 'delta')::bigint <> 0
) u
FULL JOIN (
  SELECT m.* FROM movements m
  LEFT JOIN outcomes p ON p.command_id = m.command_id 
    AND p.kind IN ('product.create', 'transfer.write-off', 'quota.fetch', 'quota.accept', 'quota.give-back', 'quota.count')
  WHERE m.movement IN ('received', 'adjusted', 'counted', 'sent', 'arrived') AND p.command_id IS NULL
) m ON m.command_id = u.command_id
WHERE (u.product_id, u.location, u.delta, u.sequence) IS DISTINCT FROM (m.product_id, m.location, m.on_hand_delta, m.sequence)
  OR m.movement IS DISTINCT FROM CASE u.kind WHEN 'stock.receive' THEN 'received' WHEN 'stock.adjust' THEN 'adjusted'
    WHEN 'stock.count' THEN 'counted' WHEN 'transfer.send' THEN 'sent' ELSE 'arrived' END`,
  },
  {
    rule: 'R2',
    name: 'order-ended-by-outcome',
    says: 'An order is cancelled or fulfilled without one outcome that says so, or the other way round.',
    sql: `
SELECT coalesce(o.order_id, u.order_id) AS order_id, o.status, u.status AS said, coalesce(u.times, 0) AS times
FROM (SELECT o.order_id, o.status FROM orders o WHERE o.status IN ('cancelled', 'fulfilled')) o
FULL JOIN (
  SELECT (u.result ->> 'orderId')::uuid AS order_id, u.result ->> 'status' AS status, count(*) AS times
  FROM outcomes u
  WHERE u.status = 'done' AND u.kind IN ('order.cancel', 'order.fulfil') AND u.result -> 'lines' <> '[]'
  GROUP BY 1, 2
) u ON u.order_id = o.order_id AND u.status = o.status
WHERE o.order_id IS NULL OR u.times IS DISTINCT FROM 1`,
  },
  {
    rule: 'R4',
    name: 'returned-is-outcomes',
    says: 'What came back of an order is not what outcomes say, or more than it had.',
    sql: `
SELECT coalesce(o.order_id, u.order_id) AS order_id, coalesce(o.product_id, u.product_id) AS product_id,
  o.returned, u.returned AS said, l.quantity AS ordered
FROM (
  SELECT o.order_id, line ->> 'productId' AS product_id, (line ->> 'quantity')::bigint AS returned
  FROM orders o CROSS JOIN jsonb_array_elements(o.returned) AS line
) o
FULL JOIN (
  SELECT (u.result ->> 'orderId')::uuid AS order_id, line ->> 'productId' AS product_id,
    sum((line ->> 'quantity')::bigint) AS returned
  FROM outcomes u CROSS JOIN jsonb_array_elements(u.result -> 'lines') AS line
  WHERE u.status = 'done' AND u.kind = 'order.return'
  GROUP BY 1, 2
) u ON u.order_id = o.order_id AND u.product_id = o.product_id
LEFT JOIN order_lines l ON l.order_id = o.order_id AND l.product_id = o.product_id
WHERE o.returned IS DISTINCT FROM u.returned OR o.returned > l.quantity`,
  },
  {
    rule: 'R2',
    name: 'reservation-has-outcome',
    says: 'A reservation is there without the outcome that made it, or the other way round.',
    sql: `
SELECT coalesce(r.reservation_id, u.command_id) AS reservation_id, r.status, u.status AS outcome
FROM reservations r
FULL JOIN (
  SELECT u.command_id, u.status FROM outcomes u WHERE u.kind = 'reservation.create' AND u.status = 'done'
) u ON u.command_id = r.reservation_id
WHERE r.reservation_id IS NULL OR u.command_id IS NULL`,
  },
  {
    rule: 'R2',
    name: 'reservation-ended-by-outcome',
    says: 'A reservation is over without one outcome that says so, or the other way round.',
    sql: `
SELECT coalesce(r.reservation_id, u.reservation_id) AS reservation_id, r.status, u.status AS said,
  coalesce(u.times, 0) AS times
FROM (SELECT r.reservation_id, r.status, r.order_id FROM reservations r WHERE r.status <> 'held') r
FULL JOIN (
  SELECT e.reservation_id, e.status, e.order_id, count(*) AS times
  FROM (
    SELECT (u.result ->> 'reservationId')::uuid AS reservation_id, u.result ->> 'status' AS status, null::uuid AS order_id
    FROM outcomes u
    WHERE u.status = 'done' AND u.kind IN ('reservation.release', 'reservation.expire') AND u.result -> 'lines' <> '[]'
    UNION ALL
    SELECT o.reservation_id, 'confirmed', o.order_id
    FROM orders o JOIN outcomes u ON u.command_id = o.order_id AND u.kind = 'reservation.confirm' AND u.status = 'done'
  ) e
  GROUP BY e.reservation_id, e.status, e.order_id
) u ON u.reservation_id = r.reservation_id AND u.status = r.status AND u.order_id IS NOT DISTINCT FROM r.order_id
WHERE r.reservation_id IS NULL OR u.times IS DISTINCT FROM 1`,
  },
  {
    rule: 'R3',
    name: 'hold-is-reservation',
    says: 'What is held and the lines of reservations that are held are not the same.',
    sql: `
SELECT coalesce(h.reservation_id, l.reservation_id) AS reservation_id, coalesce(h.product_id, l.product_id) AS product_id,
  h.quantity AS held, l.quantity, h.expires_at
FROM holds h
FULL JOIN (SELECT l.* FROM reservation_lines l WHERE l.status = 'held') l
  ON l.reservation_id = h.reservation_id AND l.product_id = h.product_id
WHERE h.quantity IS DISTINCT FROM l.quantity OR h.expires_at IS DISTINCT FROM l.expires_at`,
  },
  {
    rule: 'R4',
    name: 'transfer-is-outcomes',
    says: 'A transfer was sent, arrived or was written off without one outcome that says so, or the other way round.',
    sql: `
SELECT coalesce(t.transfer_id, u.transfer_id) AS transfer_id, t.status, t.quantity, u.sent, u.arrived, u.written_off
FROM transfers t
FULL JOIN (
  SELECT (u.result ->> 'transferId')::uuid AS transfer_id, count(*) FILTER (
      WHERE u.kind IN ('transfer.send', 'quota.fetch') OR u.result ? 'wasForgotten') AS sent,
    count(*) FILTER (WHERE u.kind IN ('transfer.receive', 'quota.accept')) AS arrived,
    count(*) FILTER (WHERE u.kind = 'transfer.write-off') AS written_off, min((u.result ->> 'quantity')::bigint) AS quantity
  FROM outcomes u
  WHERE u.status = 'done' 
    AND u.kind IN ('transfer.send', 'quota.fetch', 'transfer.receive', 'quota.accept', 'transfer.write-off')
  GROUP BY 1
) u ON u.transfer_id = t.transfer_id
WHERE (u.sent, u.arrived, u.written_off, u.quantity)
  IS DISTINCT FROM (1, (t.status = 'arrived')::int, (t.status = 'written-off')::int, t.quantity)`,
  },
  {
    rule: 'R4',
    name: 'loss-is-in-ledger',
    says: 'A transfer that was written off did not arrive and leave again at the location that misses its units.',
    sql: `
SELECT u.command_id, u.transfer_id, u.product_id, u.location, u.quantity, m.arrived, m.adjusted, m.times
FROM (
  SELECT u.command_id, u.result ->> 'transferId' AS transfer_id, u.result ->> 'productId' AS product_id,
    u.result ->> 'to' AS location, (u.result ->> 'quantity')::bigint AS quantity
  FROM outcomes u WHERE u.status = 'done' AND u.kind = 'transfer.write-off'
) u
LEFT JOIN (
  SELECT m.command_id, m.product_id, m.location, count(*) AS times,
    sum(m.on_hand_delta) FILTER (WHERE m.movement = 'arrived') AS arrived,
    sum(m.on_hand_delta) FILTER (WHERE m.movement = 'adjusted') AS adjusted
  FROM movements m GROUP BY 1, 2, 3
) m ON m.command_id = u.command_id AND m.product_id = u.product_id AND m.location = u.location
WHERE (m.times, m.arrived, m.adjusted) IS DISTINCT FROM (2, u.quantity, -u.quantity)`,
  },
  {
    rule: 'R2',
    name: 'tombstone-obeyed',
    says: 'A command was done of which it had been said that it must not be, or a cancel or release of nothing left no tombstone while one is needed.',
    sql: `
SELECT t.command_id, t.reason, u.kind, u.status
FROM tombstones t JOIN outcomes u ON u.command_id = t.command_id
WHERE u.status = 'done'
UNION ALL
SELECT coalesce(u.result ->> 'orderId', u.result ->> 'reservationId')::uuid, null, u.kind, u.status
FROM eco.group_state s CROSS JOIN outcomes u
LEFT JOIN tombstones t ON t.command_id = coalesce(u.result ->> 'orderId', u.result ->> 'reservationId')::uuid
WHERE u.decided_at > s.at - interval '${COMMAND_DAYS_MAX} days' AND u.status = 'done' AND u.kind IN ('order.cancel', 'reservation.release') AND u.result -> 'lines' = '[]'
  AND t.command_id IS NULL`,
  },
  {
    rule: 'R4',
    name: 'movement-of-its-kind',
    says: 'A movement did what its kind does not do.',
    sql: `
SELECT m.product_id, m.location, m.sequence, m.movement, m.on_hand_delta, m.reserved_delta
FROM movements m
WHERE NOT CASE m.movement
  WHEN 'reserved' THEN m.on_hand_delta = 0 AND m.reserved_delta > 0
  WHEN 'released' THEN m.on_hand_delta = 0 AND m.reserved_delta < 0
  WHEN 'fulfilled' THEN m.on_hand_delta < 0 AND m.reserved_delta = m.on_hand_delta
  WHEN 'sent' THEN m.on_hand_delta < 0 AND m.reserved_delta = 0
  WHEN 'adjusted' THEN m.on_hand_delta <> 0 AND m.reserved_delta = 0
  WHEN 'counted' THEN m.on_hand_delta <> 0 AND m.reserved_delta = 0
  -- Units of a discrepancy have the opposite sign.
  WHEN 'sold' THEN m.reserved_delta = 0 AND (m.on_hand_delta > 0) = (m.location LIKE '%/discrepancy')
  WHEN 'voided' THEN m.reserved_delta = 0 AND (m.on_hand_delta < 0) = (m.location LIKE '%/discrepancy')
  WHEN 'settled' THEN m.reserved_delta = 0 AND m.on_hand_delta < 0 AND m.location LIKE '%/discrepancy'
  WHEN 'written-off' THEN m.reserved_delta = 0 AND (m.on_hand_delta > 0) = (m.location LIKE '%/written-off')
  ELSE m.on_hand_delta > 0 AND m.reserved_delta = 0
END`,
  },
];
