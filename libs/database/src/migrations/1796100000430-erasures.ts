import type { MigrationInterface, QueryRunner } from 'typeorm';
import { sums } from './1796000000500-statistics.js';

/**
 * Erasure of a person's data (docs/decisions/0076). The row of an erasure has nothing about the person except the id,
 * under which nobody is registered again.
 */
const tables = `
CREATE TABLE eco.erasure (
  customer_id text PRIMARY KEY,
  seq         bigint NOT NULL,
  erased_at   timestamptz NOT NULL,
  bucket      smallint NOT NULL,
  command_id  uuid NOT NULL,
  -- Id of the account for which the command was sent, as its sender stated.
  actor       text
) WITH (vacuum_truncate = off);

-- Registrations of erased customers, because statistics go on counting them.
CREATE TABLE eco.erased_registration (
  customer_id   text PRIMARY KEY,
  registered_at timestamptz NOT NULL,
  branch_id     text
) WITH (vacuum_truncate = off);
`;

const functions = `
-- Empties what a group stores about these customers next to their rows: the change that announced them, found by the batch of
-- the row, and dead letters of registrations, found by id or e-mail address. The writer may change no outcome, so it has
-- this function. An open dead letter stays open, so that an operator closes it. It is emptied once more than needed if it
-- is emptied already. It also keeps when and where they had registered.
--
-- The text of a dead letter is searched, because it need not be a command. JSON.stringify wrote it, so it has no white
-- space between its tokens. If it is a text in JSON, its quotes are escaped.
CREATE FUNCTION eco.empty_copies_of_customers(ids text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  UPDATE eco.outcome o SET change_data = o.change_data || '{"name": "", "email": "", "emailConfirmed": false}'
  FROM eco.customer c
  WHERE c.customer_id = ANY (ids) AND o.topic = 'customers' AND o.seq = c.seq
    AND o.change_type = 'customer.registered' AND o.change_data ->> 'customerId' = c.customer_id;
  INSERT INTO eco.erased_registration (customer_id, registered_at, branch_id)
  SELECT c.customer_id, c.registered_at, c.branch_id FROM eco.customer c WHERE c.customer_id = ANY (ids)
  ON CONFLICT DO NOTHING;
  UPDATE eco.dead_letter d SET command = '{"erased":true}', reason = 'the customer was erased, so its content is gone'
  FROM (
    SELECT w.pattern, substr(to_json(w.pattern)::text, 2, length(to_json(w.pattern)::text) - 2) AS escaped, c.email
    FROM (SELECT i.id, '"customerId":' || to_json(i.id)::text AS pattern FROM unnest(ids) AS i(id)) w
    LEFT JOIN eco.customer c ON c.customer_id = w.id
  ) p
  WHERE (d.kind IS NULL OR d.kind = 'customer.register')
    AND (strpos(d.command::text, p.pattern) > 0 OR strpos(d.command::text, p.escaped) > 0
      OR strpos(lower(d.command::text), lower(p.email)) > 0);
END;

-- The account of an erased customer loses its log-in, its password, its sessions and its mails. Its row stays, because
-- sessions refer to it. The consumer of customers calls this, in the transaction that deletes the customer's row.
CREATE FUNCTION identity.erase_customers(ids text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  DELETE FROM identity.mail m
  WHERE m.mail_id::text = ANY (ids) OR EXISTS (
    SELECT FROM identity.account a WHERE a.customer_id = ANY (ids)
      AND (a.account_id = m.account_id OR a.login_hash = sha256(convert_to(lower(m.email), 'UTF8'))));
  SELECT identity.end_sessions(a.account_id, NULL) FROM identity.account a WHERE a.customer_id = ANY (ids);
  UPDATE identity.account a
  SET login_hash = sha256(uuid_send(gen_random_uuid())), password_hash = NULL,
    disabled_at = coalesce(a.disabled_at, now())
  WHERE a.customer_id = ANY (ids);
END;
`;

const statistics = `
CREATE VIEW eco.registration AS
SELECT c.customer_id, c.registered_at, c.branch_id FROM eco.customer c
UNION ALL
SELECT e.customer_id, e.registered_at, e.branch_id FROM eco.erased_registration e
WHERE NOT EXISTS (SELECT FROM eco.customer c WHERE c.customer_id = e.customer_id);

-- As before, with the registrations of erased customers.
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
    WHERE u.topic = 'customers' AND (u.seq, u.n) > (r.seq, r.n) AND u.change_data ->> 'customerId' = k.customer_id)
) e
CROSS JOIN statistics.calendar c
GROUP BY 1, 2, 3;
`;

const notifications = `
-- No mail goes to an address that nobody has confirmed. Until now, nothing stated whether an address is confirmed.
DELETE FROM notifications.notification n WHERE n.state <> 'sent';
DELETE FROM notifications.notification n WHERE EXISTS (
  SELECT FROM notifications.notification o
  WHERE o.kind = n.kind AND lower(o.email) = lower(n.email) AND (o.created_at, o.id) < (n.created_at, n.id));
-- One welcome for each address, however many customers have it.
CREATE UNIQUE INDEX notification_welcome_address ON notifications.notification (lower(email)) WHERE kind = 'welcome';
CREATE INDEX notification_customer ON notifications.notification (customer_id);
`;

const grants = `
REVOKE ALL ON FUNCTION eco.empty_copies_of_customers, identity.erase_customers FROM PUBLIC;
GRANT SELECT, INSERT ON eco.erasure TO eco_writer;
GRANT DELETE ON eco.customer TO eco_writer;
GRANT EXECUTE ON FUNCTION eco.empty_copies_of_customers TO eco_writer;
GRANT SELECT ON eco.erasure TO eco_reader;
GRANT USAGE ON SCHEMA identity TO eco_central;
GRANT EXECUTE ON FUNCTION identity.erase_customers TO eco_central;
`;

export class Erasures1796100000430 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, functions, statistics, notifications, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
