import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What branches report: their log, sales, returns and shifts, and the movements of quotas (docs/decisions/0084).
 *
 * - `entry` keeps the place of every entry for good. It shows a fork, and a repeat however late it comes. Two entries may
 *   have one place, so the command is a part of the key.
 * - Levels of a branch's quarantine, of its written-off units and of its discrepancy are rows of `stock_level`, at
 *   locations with a slash. They have no row in `location`, because no client may name them.
 * - The constraint on the kinds of movements is not validated, because that would scan the table: all kinds that were
 *   allowed before still are.
 */
const tables = `
ALTER TABLE eco.product
  ADD COLUMN tax_basis_points integer,
  ADD CONSTRAINT product_tax_check CHECK (tax_basis_points BETWEEN 0 AND 10000) NOT VALID;

ALTER TABLE eco.movement
  DROP CONSTRAINT movement_movement_check,
  ADD CONSTRAINT movement_movement_check CHECK (movement IN (
    'received', 'reserved', 'released', 'fulfilled', 'returned', 'adjusted', 'counted', 'sent', 'arrived',
    'sold', 'voided', 'written-off', 'settled')) NOT VALID;

CREATE TABLE eco.holder (
  branch_id     text PRIMARY KEY,
  incarnation   bigint NOT NULL CHECK (incarnation >= 0),
  sequence      bigint NOT NULL CHECK (sequence >= 0),
  seq           bigint NOT NULL,
  contact_at    timestamptz NOT NULL,
  bucket        smallint NOT NULL,
  frozen_reason text
) WITH (fillfactor = 50, vacuum_truncate = off);

CREATE TABLE eco.entry (
  incarnation bigint NOT NULL CHECK (incarnation > 0),
  sequence    bigint NOT NULL CHECK (sequence > 0),
  seq         bigint NOT NULL,
  command_id  uuid NOT NULL,
  bucket      smallint NOT NULL,
  branch_id   text NOT NULL,
  PRIMARY KEY (branch_id, incarnation, sequence, command_id)
) WITH (vacuum_truncate = off);

CREATE TABLE eco.sale (
  sale_id        uuid PRIMARY KEY,
  shift_id       uuid NOT NULL,
  seq            bigint NOT NULL,
  -- By the branch's clock.
  sold_at        timestamptz NOT NULL,
  voided_at      timestamptz,
  total_cents    bigint NOT NULL,
  bucket         smallint NOT NULL,
  -- Its shift was closed when it arrived.
  is_late        boolean NOT NULL,
  branch_id      text NOT NULL,
  till           text NOT NULL,
  receipt_number text NOT NULL,
  customer_id    text,
  void_reason    text,
  lines          jsonb NOT NULL,
  payment        jsonb NOT NULL,
  excess         jsonb NOT NULL,
  CONSTRAINT sale_voided_check CHECK ((voided_at IS NULL) = (void_reason IS NULL))
) WITH (fillfactor = 90, vacuum_truncate = off);

CREATE TABLE eco.sale_return (
  return_id    uuid PRIMARY KEY,
  sale_id      uuid,
  seq          bigint NOT NULL,
  returned_at  timestamptz NOT NULL,
  refund_cents bigint NOT NULL,
  bucket       smallint NOT NULL,
  branch_id    text NOT NULL,
  reason       text NOT NULL,
  lines        jsonb NOT NULL
) WITH (vacuum_truncate = off);

CREATE TABLE eco.shift (
  shift_id       uuid PRIMARY KEY,
  seq            bigint NOT NULL,
  opened_at      timestamptz NOT NULL,
  closed_at      timestamptz NOT NULL,
  opening_cents  bigint NOT NULL,
  expected_cents bigint NOT NULL,
  counted_cents  bigint NOT NULL,
  total_cents    bigint NOT NULL,
  sales          bigint NOT NULL,
  voids          bigint NOT NULL,
  returns        bigint NOT NULL,
  bucket         smallint NOT NULL,
  branch_id      text NOT NULL,
  till           text NOT NULL
) WITH (vacuum_truncate = off);
`;

/**
 * For the metric of open discrepancies. Its predicate names a column that no update changes, so that updates of levels
 * stay heap-only.
 */
const index = `
CREATE INDEX stock_level_discrepancy ON eco.stock_level (location) WHERE location LIKE '%/discrepancy';
`;

const grants = `
GRANT SELECT ON eco.holder, eco.entry, eco.sale, eco.sale_return, eco.shift TO eco_reader;
GRANT SELECT, INSERT, UPDATE ON eco.holder TO eco_writer;
GRANT SELECT, INSERT ON eco.entry, eco.sale, eco.sale_return, eco.shift TO eco_writer;
GRANT UPDATE (seq, voided_at, void_reason) ON eco.sale TO eco_writer;
`;

export class BranchSales1796200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, index, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
