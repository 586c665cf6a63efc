import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Consumers of events: a schema each, written by its own role alone and never read by the write path. A progress row
 * goes forward in the transaction that applies the changes, so each change is applied once, and reads carry it as
 * their position.
 */
const progress = (schema: string): string => `
CREATE TABLE ${schema}.progress (
  consumer text NOT NULL,
  group_id text NOT NULL,
  topic    text NOT NULL,
  term     bigint NOT NULL,
  tag      text NOT NULL,
  seq      bigint NOT NULL,
  PRIMARY KEY (consumer, group_id, topic)
) WITH (fillfactor = 50, vacuum_truncate = off);
`;

const central = `
CREATE TABLE central.customer (
  customer_id   text PRIMARY KEY,
  name          text NOT NULL,
  email         text NOT NULL,
  branch_id     text,
  registered_at timestamptz NOT NULL
) WITH (vacuum_truncate = off);
CREATE INDEX customer_email ON central.customer (email);
`;

const statistics = `
CREATE TABLE statistics.daily (
  day           date NOT NULL,
  -- '' is Central: a key can't hold a null.
  branch_id     text NOT NULL,
  registrations bigint NOT NULL DEFAULT 0,
  sales         bigint NOT NULL DEFAULT 0,
  units         bigint NOT NULL DEFAULT 0,
  revenue_cents bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (day, branch_id)
) WITH (fillfactor = 50, vacuum_truncate = off);
`;

const notifications = `
CREATE TABLE notifications.notification (
  -- The command that caused it, so that one cause gives one message.
  id           uuid PRIMARY KEY,
  customer_id  text NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('welcome')),
  email        text NOT NULL,
  state        text NOT NULL DEFAULT 'unsent' CHECK (state IN ('unsent', 'sent', 'failing')),
  tries        integer NOT NULL DEFAULT 0,
  last_error   text,
  created_at   timestamptz NOT NULL,
  sent_at      timestamptz,
  next_try_at  timestamptz NOT NULL
) WITH (vacuum_truncate = off);
CREATE INDEX notification_due ON notifications.notification (next_try_at) WHERE state <> 'sent';
CREATE INDEX notification_list ON notifications.notification (created_at, id);
`;

const schemas = { central, statistics, notifications };

export class Consumers1795500000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const [schema, tables] of Object.entries(schemas)) {
      await queryRunner.query(tables + progress(schema));
      await queryRunner.query(
        `GRANT USAGE ON SCHEMA ${schema} TO eco_${schema};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO eco_${schema}`,
      );
    }
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
