import type { MigrationInterface, QueryRunner } from 'typeorm';
import { changes } from './1795500000000-write-path.js';
import { ledgerWithSales } from './1796200000010-sale-statistics.js';

/**
 * `eco.outcome` shows every outcome, wherever it is stored: that of `order.place` in the order's row, all others in
 * `eco.outcome_row`. An order's outcome was 350 of the 2,050 bytes of WAL of an order, two of its nine index entries and a
 * sixth of the time of the primary (docs/decisions/0116).
 *
 * Services of the version before go on: they read and write `eco.outcome`.
 */
const table = `
ALTER TABLE eco.outcome RENAME TO outcome_row;

-- As in outcome_row, the result and the change of an order are null: they are in its row.
CREATE VIEW eco.outcome AS
SELECT u.command_id, u.body_hash, u.seq, u.decided_at, u.n, u.bucket, u.kind, u.status, u.topic, u.change_type, u.result,
       u.change_data, u.sender, u.actor, u.decided_as
FROM eco.outcome_row u
UNION ALL
SELECT o.order_id, o.body_hash, o.decided_seq, o.decided_at, o.n, o.bucket, 'order.place',
       CASE o.status WHEN 'rejected' THEN 'refused' ELSE 'done' END, 'orders',
       CASE o.status WHEN 'rejected' THEN 'order.rejected' ELSE 'order.confirmed' END, NULL, NULL, o.sender, o.actor, NULL
FROM eco.orders o
WHERE o.decided_seq IS NOT NULL;

CREATE FUNCTION eco.insert_outcome() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO eco.outcome_row (command_id, body_hash, seq, decided_at, n, bucket, kind, status, topic, change_type, result,
    change_data, sender, actor, decided_as)
  VALUES (NEW.command_id, NEW.body_hash, NEW.seq, NEW.decided_at, NEW.n, NEW.bucket, NEW.kind, NEW.status, NEW.topic,
    NEW.change_type, NEW.result, NEW.change_data, NEW.sender, NEW.actor, NEW.decided_as);
  RETURN NEW;
END $$;
CREATE TRIGGER insert_outcome INSTEAD OF INSERT ON eco.outcome FOR EACH ROW EXECUTE FUNCTION eco.insert_outcome();
`;

const views = `
CREATE OR REPLACE VIEW eco.outcome_full AS
SELECT u.command_id, u.body_hash, u.kind, u.status, u.bucket, u.seq, u.n, u.topic, u.change_type, u.decided_at,
       coalesce(u.result, eco.order_result(o)) AS result, u.sender, u.actor, u.decided_as
FROM eco.outcome_row u
LEFT JOIN eco.orders o ON u.result IS NULL AND o.order_id = u.command_id
UNION ALL
SELECT o.order_id, o.body_hash, 'order.place', CASE o.status WHEN 'rejected' THEN 'refused' ELSE 'done' END, o.bucket,
       o.decided_seq, o.n, 'orders', CASE o.status WHEN 'rejected' THEN 'order.rejected' ELSE 'order.confirmed' END,
       o.decided_at, eco.order_result(o), o.sender, o.actor, NULL
FROM eco.orders o
WHERE o.decided_seq IS NOT NULL;

CREATE OR REPLACE VIEW eco.change AS
${changes}

-- The same text, for the outcomes that are in rows of orders.
${ledgerWithSales}
`;

const grants = `
REVOKE ALL ON FUNCTION eco.insert_outcome FROM PUBLIC;
GRANT SELECT ON eco.outcome TO eco_reader, eco_writer;
GRANT INSERT ON eco.outcome TO eco_writer;
GRANT EXECUTE ON FUNCTION eco.insert_outcome TO eco_writer;
`;

/** No query finds orders by the batch that wrote them last. */
const unused = `
DROP INDEX eco.orders_seq;
`;

export class OutcomesInOrders1796800000002 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [table, views, grants, unused]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
