import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Statistics of what was sold, cancelled and returned, by day of the chain's time zone.
 *
 * - The tables are made under new names, filled, and only then are the old ones dropped. So no reader waits for the fill,
 *   on a replica neither: that would be an ACCESS EXCLUSIVE lock for as long as it takes.
 * - `group_id`: a row is what one group's orders add up to. So `eco verify` can compare it with that group's ledger, in
 *   one snapshot.
 * - What the ledger says is written down once, as views. The rebuild fills the tables from them, `eco verify` compares the
 *   tables with them. They read orders, which stay; only the day of a return is in its outcome alone.
 */
const figures = `
  -- Confirmed, by the day of the decision.
  orders           bigint NOT NULL DEFAULT 0,
  units            bigint NOT NULL DEFAULT 0,
  revenue_cents    bigint NOT NULL DEFAULT 0,
  -- Of these or earlier ones, by the day on which it happened.
  cancelled_orders bigint NOT NULL DEFAULT 0,
  cancelled_units  bigint NOT NULL DEFAULT 0,
  cancelled_cents  bigint NOT NULL DEFAULT 0,
  -- An order counts as returned with its last unit, units and cents with each return.
  returned_orders  bigint NOT NULL DEFAULT 0,
  returned_units   bigint NOT NULL DEFAULT 0,
  returned_cents   bigint NOT NULL DEFAULT 0`;

const tables = `
CREATE TABLE statistics.branch_day (
  group_id         text NOT NULL,
  day              date NOT NULL,
  -- '' is Central: a key can't hold a null.
  branch_id        text NOT NULL,
  registrations    bigint NOT NULL DEFAULT 0,${figures},
  PRIMARY KEY (day, branch_id, group_id)
) WITH (fillfactor = 50, vacuum_truncate = off);

-- Of each product: orders are those that hold it, and returned ones those of which all units of it came back.
CREATE TABLE statistics.product_day (
  group_id         text NOT NULL,
  day              date NOT NULL,
  branch_id        text NOT NULL,
  product_id       text NOT NULL,${figures},
  PRIMARY KEY (day, branch_id, product_id, group_id)
) WITH (fillfactor = 50, vacuum_truncate = off);
CREATE INDEX product_day_of_product ON statistics.product_day (product_id, day, branch_id);

INSERT INTO eco.setting (name, value) VALUES ('time-zone', 'UTC') ON CONFLICT DO NOTHING;

-- The chain's time zone, for readers and the consumer, which sees nothing of eco.
CREATE VIEW statistics.calendar AS SELECT s.value AS time_zone FROM eco.setting s WHERE s.name = 'time-zone';
`;

export const sums = `
  count(*) FILTER (WHERE e.of_order AND e.kind = 'sold') AS orders,
  coalesce(sum(e.units) FILTER (WHERE e.kind = 'sold'), 0)::bigint AS units,
  coalesce(sum(e.cents) FILTER (WHERE e.kind = 'sold'), 0)::bigint AS revenue_cents,
  count(*) FILTER (WHERE e.of_order AND e.kind = 'cancelled') AS cancelled_orders,
  coalesce(sum(e.units) FILTER (WHERE e.kind = 'cancelled'), 0)::bigint AS cancelled_units,
  coalesce(sum(e.cents) FILTER (WHERE e.kind = 'cancelled'), 0)::bigint AS cancelled_cents,
  count(*) FILTER (WHERE e.of_order AND e.kind = 'returned') AS returned_orders,
  coalesce(sum(e.units) FILTER (WHERE e.kind = 'returned'), 0)::bigint AS returned_units,
  coalesce(sum(e.cents) FILTER (WHERE e.kind = 'returned'), 0)::bigint AS returned_cents`;

export const lines = (of: string) =>
  `jsonb_to_recordset(${of}) AS ("productId" text, quantity bigint, "unitPriceCents" bigint)`;

/** The query of `statistics.ledger`, for orders. */
export const ledgerOfOrders = `WITH reached AS (SELECT r.* FROM statistics.reached r WHERE r.topic = 'orders'),
later AS (
  SELECT u.change_type, coalesce((u.result ->> 'orderId')::uuid, u.command_id) AS order_id
  FROM reached r JOIN eco.outcome u ON u.topic = 'orders' AND (u.seq, u.n) > (r.seq, r.n)
)
SELECT r.group_id, 'sold' AS kind, o.decided_at AS at, coalesce(o.branch_id, '') AS branch_id, l.product_id,
       l.quantity AS units, l.quantity * l.cents AS cents, true AS of_line, l.n = 1 AS of_order
FROM reached r
CROSS JOIN eco.orders o
CROSS JOIN LATERAL ROWS FROM (${lines('o.lines')}) WITH ORDINALITY AS l (product_id, quantity, cents, n)
WHERE o.status <> 'rejected'
  AND NOT EXISTS (SELECT FROM later x WHERE x.order_id = o.order_id AND x.change_type = 'order.confirmed')
UNION ALL
SELECT r.group_id, 'cancelled', o.ended_at, coalesce(o.branch_id, ''), l.product_id,
       l.quantity, l.quantity * l.cents, true, l.n = 1
FROM reached r
CROSS JOIN eco.orders o
CROSS JOIN LATERAL ROWS FROM (${lines('o.lines')}) WITH ORDINALITY AS l (product_id, quantity, cents, n)
WHERE o.status = 'cancelled'
  AND NOT EXISTS (SELECT FROM later x WHERE x.order_id = o.order_id AND x.change_type = 'order.cancelled')
UNION ALL
SELECT r.group_id, 'returned', u.decided_at, coalesce(o.branch_id, ''), l.product_id,
       b.quantity, b.quantity * l.cents, t.quantity = l.quantity,
       b.n = 1 AND (SELECT sum((x ->> 'quantity')::bigint) FROM jsonb_array_elements(u.result -> 'returned') x)
                 = (SELECT sum((x ->> 'quantity')::bigint) FROM jsonb_array_elements(o.lines) x)
FROM reached r
JOIN eco.outcome u ON u.topic = 'orders' AND u.change_type = 'order.returned' AND (u.seq, u.n) <= (r.seq, r.n)
JOIN eco.orders o ON o.order_id = (u.result ->> 'orderId')::uuid
CROSS JOIN LATERAL ROWS FROM (${lines("u.result -> 'lines'")}) WITH ORDINALITY AS b (product_id, quantity, cents, n)
JOIN LATERAL ROWS FROM (${lines('o.lines')}) AS l (product_id, quantity, cents) ON l.product_id = b.product_id
JOIN LATERAL ROWS FROM (${lines("u.result -> 'returned'")}) AS t (product_id, quantity, cents) ON t.product_id = b.product_id`;

const views = `
-- How far statistics have come in this group's topics: up to place n of batch seq, so that (seq, n) compares with an
-- outcome's. A progress row without n is after the whole batch.
CREATE VIEW statistics.reached AS
SELECT s.group_id, p.topic, p.seq, coalesce(p.n, 2147483647) AS n
FROM eco.group_state s
JOIN statistics.progress p ON p.group_id = s.group_id AND p.consumer = 'statistics';

-- What this group's orders give to count, as far as statistics have come: a row for each line that was sold, cancelled
-- or returned. An order that changed since then is told by its outcome, which is new.
CREATE VIEW statistics.ledger AS
${ledgerOfOrders};

-- The two tables as the ledger has them: the same columns.
CREATE VIEW statistics.branch_day_of_ledger AS
SELECT e.group_id, (e.at AT TIME ZONE c.time_zone)::date AS day, e.branch_id,
  count(*) FILTER (WHERE e.kind = 'registered') AS registrations,${sums}
FROM (
  SELECT l.group_id, l.kind, l.at, l.branch_id, l.units, l.cents, l.of_order FROM statistics.ledger l
  UNION ALL
  SELECT r.group_id, 'registered', k.registered_at, coalesce(k.branch_id, ''), 0, 0, false
  FROM statistics.reached r CROSS JOIN eco.customer k
  WHERE r.topic = 'customers' AND NOT EXISTS (
    SELECT FROM eco.outcome u
    WHERE u.topic = 'customers' AND (u.seq, u.n) > (r.seq, r.n) AND u.change_data ->> 'customerId' = k.customer_id)
) e
CROSS JOIN statistics.calendar c
GROUP BY 1, 2, 3;

CREATE VIEW statistics.product_day_of_ledger AS
SELECT e.group_id, (e.at AT TIME ZONE c.time_zone)::date AS day, e.branch_id, e.product_id,${sums}
FROM (
  SELECT l.group_id, l.kind, l.at, l.branch_id, l.product_id, l.units, l.cents, l.of_line AS of_order
  FROM statistics.ledger l
) e
CROSS JOIN statistics.calendar c
GROUP BY 1, 2, 3, 4;

-- Counts everything again. A consumer waits meanwhile, and goes on where it was; readers do not wait, since no row goes
-- before this commits. Another group's orders are not in this database: its changes are counted again from the first.
CREATE FUNCTION statistics.rebuild() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE statistics.progress IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM statistics.progress p WHERE p.group_id <> (SELECT s.group_id FROM eco.group_state s);
  DELETE FROM statistics.branch_day;
  DELETE FROM statistics.product_day;
  INSERT INTO statistics.branch_day SELECT * FROM statistics.branch_day_of_ledger;
  INSERT INTO statistics.product_day SELECT * FROM statistics.product_day_of_ledger;
END $$;
REVOKE ALL ON FUNCTION statistics.rebuild FROM PUBLIC;
`;

/** Prices of what was cancelled and returned before changes had them: who reads these changes counts by them. */
const changes = `
UPDATE eco.outcome u
SET change_data = u.change_data || jsonb_build_object('lines', (
  SELECT jsonb_agg(b.line || jsonb_build_object('unitPriceCents', l.line -> 'unitPriceCents') ORDER BY b.n)
  FROM jsonb_array_elements(u.change_data -> 'lines') WITH ORDINALITY AS b (line, n)
  JOIN jsonb_array_elements(o.lines) AS l (line) ON l.line ->> 'productId' = b.line ->> 'productId'))
FROM eco.orders o
WHERE u.topic = 'orders' AND u.change_type = 'order.cancelled' AND o.order_id = (u.change_data ->> 'orderId')::uuid;

UPDATE eco.outcome u
SET change_data = u.change_data || jsonb_build_object(
  'lines', (
    SELECT jsonb_agg(b.line || jsonb_build_object(
      'unitPriceCents', l.line -> 'unitPriceCents',
      'unitsKept', (l.line ->> 'quantity')::bigint - (t.line ->> 'quantity')::bigint) ORDER BY b.n)
    FROM jsonb_array_elements(u.change_data -> 'lines') WITH ORDINALITY AS b (line, n)
    JOIN jsonb_array_elements(o.lines) AS l (line) ON l.line ->> 'productId' = b.line ->> 'productId'
    JOIN jsonb_array_elements(u.change_data -> 'returned') AS t (line) ON t.line ->> 'productId' = b.line ->> 'productId'),
  'unitsKept', (SELECT sum((x ->> 'quantity')::bigint) FROM jsonb_array_elements(o.lines) x)
    - (SELECT sum((x ->> 'quantity')::bigint) FROM jsonb_array_elements(u.change_data -> 'returned') x))
FROM eco.orders o
WHERE u.topic = 'orders' AND u.change_type = 'order.returned' AND o.order_id = (u.change_data ->> 'orderId')::uuid;
`;

const grants = `
GRANT SELECT, INSERT, UPDATE ON statistics.branch_day, statistics.product_day TO eco_statistics;
GRANT SELECT ON statistics.calendar TO eco_statistics, eco_reader;
GRANT SELECT ON statistics.branch_day, statistics.product_day, statistics.branch_day_of_ledger,
  statistics.product_day_of_ledger TO eco_reader;
`;

const carryOver = `
SELECT statistics.rebuild();
DROP TABLE statistics.daily, statistics.sales;
`;

export class Statistics1796000000500 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, views, changes, grants, carryOver]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
