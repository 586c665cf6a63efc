import type { MigrationInterface, QueryRunner } from 'typeorm';
import { sums } from './1796000000500-statistics.js';

/**
 * Changes of a customer's name and e-mail address (docs/decisions/0113).
 *
 * `customer.former_seqs`: batches that wrote the row before `seq`. Their outcomes hold the person's name and address, so
 * an erasure must find them. `eco.outcome` has no index by customer.
 */
const tables = `
ALTER TABLE eco.customer ADD COLUMN former_seqs bigint[] NOT NULL DEFAULT '{}';
`;

const functions = `
-- As before, with the changes and the dead letters of customer.update.
CREATE OR REPLACE FUNCTION eco.empty_copies_of_customers(ids text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  UPDATE eco.outcome o
  SET change_data = o.change_data || '{"name": "", "email": ""}' ||
    CASE o.change_type WHEN 'customer.registered' THEN '{"emailConfirmed": false}'::jsonb ELSE '{}' END
  FROM eco.customer c
  WHERE c.customer_id = ANY (ids) AND o.topic = 'customers' AND o.seq = ANY (c.former_seqs || c.seq)
    AND o.change_type IN ('customer.registered', 'customer.updated')
    AND o.change_data ->> 'customerId' = c.customer_id;
  INSERT INTO eco.erased_registration (customer_id, registered_at, branch_id)
  SELECT c.customer_id, c.registered_at, c.branch_id FROM eco.customer c WHERE c.customer_id = ANY (ids)
  ON CONFLICT DO NOTHING;
  UPDATE eco.dead_letter d SET command = '{"erased":true}', reason = 'the customer was erased, so its content is gone'
  FROM (
    SELECT w.pattern, substr(to_json(w.pattern)::text, 2, length(to_json(w.pattern)::text) - 2) AS escaped, c.email
    FROM (SELECT i.id, '"customerId":' || to_json(i.id)::text AS pattern FROM unnest(ids) AS i(id)) w
    LEFT JOIN eco.customer c ON c.customer_id = w.id
  ) p
  WHERE (d.kind IS NULL OR d.kind IN ('customer.register', 'customer.update'))
    AND (strpos(d.command::text, p.pattern) > 0 OR strpos(d.command::text, p.escaped) > 0
      OR strpos(lower(d.command::text), lower(p.email)) > 0);
END;
`;

const statistics = `
-- As before, but only a registration that statistics have not reached is left out, not one with a later change.
CREATE OR REPLACE VIEW statistics.branch_day_of_ledger AS
SELECT e.group_id, (e.at AT TIME ZONE c.time_zone)::date AS day, e.branch_id,
  count(*) FILTER (WHERE e.kind = 'registered') AS registrations,${sums}
FROM (
  SELECT l.group_id, l.kind, l.at, l.branch_id, l.units, l.cents, l.of_order FROM statistics.ledger l
  UNION ALL
  SELECT r.group_id, 'registered', k.registered_at, coalesce(k.branch_id, ''), 0, 0, false
  FROM statistics.reached r CROSS JOIN eco.registration k
  WHERE r.topic = 'customers' AND NOT EXISTS (
    SELECT FROM eco.outcome u
    WHERE u.topic = 'customers' AND (u.seq, u.n) > (r.seq, r.n) AND u.change_type = 'customer.registered'
      AND u.change_data ->> 'customerId' = k.customer_id)
) e
CROSS JOIN statistics.calendar c
GROUP BY 1, 2, 3;
`;

const grants = `
GRANT UPDATE (seq, former_seqs, name, email) ON eco.customer TO eco_writer;
`;

export class CustomerUpdates1796600000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, functions, statistics, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
