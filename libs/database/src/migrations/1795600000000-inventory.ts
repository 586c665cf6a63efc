import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Reservations, transfers, what becomes of an order, and where stock may lie.
 *
 * - An order keeps what it said when it was decided; what happens to it later stands in columns of its own. So its
 *   outcome, which is stored in its row alone, stays as it was.
 * - `hold` is there only while a reservation is held: with nothing due, a batch finds that out by one look at an index.
 * - A tombstone says of a command that has not come that it must not be done, and what it is then refused for.
 */
const tables = `
ALTER TABLE eco.orders
  DROP CONSTRAINT orders_status_check,
  ADD CONSTRAINT orders_status_check CHECK (status IN ('confirmed', 'rejected', 'cancelled', 'fulfilled')),
  -- Whose units it took over.
  ADD COLUMN reservation_id uuid,
  -- When it was cancelled or fulfilled.
  ADD COLUMN ended_at timestamptz,
  ADD COLUMN returned jsonb,
  ADD CONSTRAINT orders_ended_check CHECK ((ended_at IS NULL) = (status IN ('confirmed', 'rejected'))),
  ADD CONSTRAINT orders_returned_check CHECK (returned IS NULL OR status = 'fulfilled');

ALTER TABLE eco.movement
  DROP CONSTRAINT movement_movement_check,
  ADD CONSTRAINT movement_movement_check CHECK (movement IN (
    'received', 'reserved', 'released', 'fulfilled', 'returned', 'adjusted', 'counted', 'sent', 'arrived'));

CREATE TABLE eco.location (
  location text PRIMARY KEY
);
INSERT INTO eco.location VALUES ('central');

CREATE TABLE eco.reservation (
  reservation_id uuid PRIMARY KEY,
  order_id       uuid,
  seq            bigint NOT NULL,
  created_at     timestamptz NOT NULL,
  expires_at     timestamptz NOT NULL,
  total_cents    bigint NOT NULL CHECK (total_cents >= 0),
  bucket         smallint NOT NULL,
  status         text NOT NULL CHECK (status IN ('held', 'confirmed', 'released', 'expired')),
  customer_id    text NOT NULL,
  branch_id      text,
  lines          jsonb NOT NULL,
  CONSTRAINT reservation_order_check CHECK ((order_id IS NOT NULL) = (status = 'confirmed')),
  CONSTRAINT reservation_time_check CHECK (expires_at > created_at)
) WITH (fillfactor = 80, vacuum_truncate = off);

CREATE TABLE eco.hold (
  reservation_id uuid NOT NULL,
  product_id     text NOT NULL,
  seq            bigint NOT NULL,
  expires_at     timestamptz NOT NULL,
  quantity       bigint NOT NULL CHECK (quantity > 0),
  bucket         smallint NOT NULL,
  PRIMARY KEY (reservation_id, product_id)
) WITH (vacuum_truncate = off);
CREATE INDEX hold_due ON eco.hold (expires_at);
CREATE INDEX hold_of_product ON eco.hold (product_id, expires_at);

CREATE TABLE eco.transfer (
  transfer_id   uuid PRIMARY KEY,
  seq           bigint NOT NULL,
  sent_at       timestamptz NOT NULL,
  arrived_at    timestamptz,
  quantity      bigint NOT NULL CHECK (quantity > 0),
  bucket        smallint NOT NULL,
  status        text NOT NULL CHECK (status IN ('in-transit', 'arrived')),
  product_id    text NOT NULL,
  from_location text NOT NULL,
  to_location   text NOT NULL,
  CONSTRAINT transfer_way_check CHECK (to_location <> from_location),
  CONSTRAINT transfer_arrived_check CHECK ((arrived_at IS NOT NULL) = (status = 'arrived'))
) WITH (fillfactor = 80, vacuum_truncate = off);

CREATE TABLE eco.tombstone (
  command_id uuid PRIMARY KEY,
  seq        bigint NOT NULL,
  bucket     smallint NOT NULL,
  reason     text NOT NULL
) WITH (vacuum_truncate = off);
`;

const views = `
-- What an order's outcome said when it was decided, from the order's row, whatever became of it since.
CREATE OR REPLACE FUNCTION eco.order_result(o eco.orders) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE o.status
  WHEN 'rejected' THEN jsonb_build_object(
    'orderId', o.order_id, 'status', 'rejected', 'short', o.short, 'unknownProducts', o.unknown_products)
  ELSE jsonb_build_object(
    'orderId', o.order_id, 'status', 'confirmed', 'lines', o.lines, 'totalCents', o.total_cents)
END;
`;

const grants = `
GRANT SELECT ON eco.location, eco.reservation, eco.hold, eco.transfer, eco.tombstone TO eco_reader;
GRANT SELECT ON eco.location, eco.orders TO eco_writer;
GRANT UPDATE (seq, status, reservation_id, ended_at, returned) ON eco.orders TO eco_writer;
GRANT SELECT, INSERT, UPDATE ON eco.reservation, eco.transfer TO eco_writer;
GRANT SELECT, INSERT, DELETE ON eco.hold TO eco_writer;
GRANT SELECT, INSERT ON eco.tombstone TO eco_writer;
`;

export class Inventory1795600000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, views, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
