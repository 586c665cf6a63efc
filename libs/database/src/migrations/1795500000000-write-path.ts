import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The write path: everything the group's writer decides with and stores. Nothing but the writer writes here.
 *
 * - `seq` is the batch that wrote the row last, `bucket` the row's key's: a bucket moves by it, a reader filters by it.
 * - `group_state` and `stock_level` are written by every batch. Half of each page stays free and no column that changes
 *   is indexed, so an update is HOT: it stays in its page and touches no index. Their tail is never truncated, since
 *   replicas replay that lock whatever reads there.
 * - No foreign keys: they would lock rows that one writer already has to itself, and buckets move alone.
 * - Text sorts by its bytes (the database is made with collation C), so an order by keys is the same on every machine.
 */
const up = `
CREATE TABLE eco.setting (
  name  text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE eco.group_state (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  group_id text NOT NULL,
  term     bigint NOT NULL,
  tag      text NOT NULL,
  seq      bigint NOT NULL,
  at       timestamptz NOT NULL
) WITH (fillfactor = 50, vacuum_truncate = off);

CREATE TABLE eco.group_term (
  term      bigint PRIMARY KEY,
  tag       text NOT NULL,
  first_seq bigint NOT NULL
);

CREATE TABLE eco.bucket_ownership (
  bucket smallint PRIMARY KEY,
  state  text NOT NULL CHECK (state IN ('owned', 'incoming', 'closed', 'moved', 'refused')),
  epoch  bigint NOT NULL,
  seq    bigint NOT NULL
);

-- The inbox and the idempotency store in one. An order's lines stand in its row alone: result and change_data are null
-- there, eco.outcome_full and eco.change put them together: twice more would add a third to the WAL of an order (1.65 kB).
CREATE TABLE eco.outcome (
  command_id  uuid PRIMARY KEY,
  body_hash   bytea NOT NULL,
  seq         bigint NOT NULL,
  decided_at  timestamptz NOT NULL,
  n           integer NOT NULL,
  bucket      smallint NOT NULL,
  kind        text NOT NULL,
  status      text NOT NULL CHECK (status IN ('done', 'refused', 'expired', 'discarded')),
  topic       text,
  change_type text,
  result      jsonb,
  change_data jsonb,
  CHECK ((topic IS NULL) = (change_type IS NULL))
) WITH (vacuum_truncate = off);
CREATE INDEX outcome_changes ON eco.outcome (topic, seq, n) WHERE topic IS NOT NULL;

CREATE TABLE eco.orders (
  order_id         uuid PRIMARY KEY,
  seq              bigint NOT NULL,
  placed_at        timestamptz NOT NULL,
  decided_at       timestamptz NOT NULL,
  total_cents      bigint NOT NULL CHECK (total_cents >= 0),
  bucket           smallint NOT NULL,
  status           text NOT NULL CHECK (status IN ('confirmed', 'rejected')),
  customer_id      text NOT NULL,
  branch_id        text,
  lines            jsonb NOT NULL,
  -- Null when it was confirmed.
  short            jsonb,
  unknown_products jsonb
) WITH (vacuum_truncate = off);
CREATE INDEX orders_of_customer ON eco.orders (customer_id, placed_at, order_id);
-- Rows arrive in the order of seq, so this costs nearly nothing and finds what is newer than a batch.
CREATE INDEX orders_seq ON eco.orders USING brin (seq);

CREATE TABLE eco.customer (
  customer_id   text PRIMARY KEY,
  seq           bigint NOT NULL,
  registered_at timestamptz NOT NULL,
  bucket        smallint NOT NULL,
  name          text NOT NULL,
  email         text NOT NULL,
  branch_id     text
) WITH (vacuum_truncate = off);
CREATE INDEX customer_email ON eco.customer (email);

CREATE TABLE eco.product (
  product_id  text PRIMARY KEY,
  seq         bigint NOT NULL,
  price_cents bigint NOT NULL CHECK (price_cents >= 0),
  version     integer NOT NULL,
  bucket      smallint NOT NULL,
  deleted     boolean NOT NULL,
  name        text NOT NULL
) WITH (fillfactor = 80, vacuum_truncate = off);

-- The CHECK is the last guard: whatever the code does, a unit is not sold twice.
CREATE TABLE eco.stock_level (
  product_id text NOT NULL,
  location   text NOT NULL,
  on_hand    bigint NOT NULL,
  reserved   bigint NOT NULL,
  sequence   bigint NOT NULL,
  seq        bigint NOT NULL,
  bucket     smallint NOT NULL,
  PRIMARY KEY (product_id, location),
  CONSTRAINT never_oversold CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (fillfactor = 50, vacuum_truncate = off);

CREATE TABLE eco.movement (
  product_id     text NOT NULL,
  location       text NOT NULL,
  sequence       bigint NOT NULL,
  seq            bigint NOT NULL,
  at             timestamptz NOT NULL,
  on_hand_delta  bigint NOT NULL,
  reserved_delta bigint NOT NULL,
  on_hand        bigint NOT NULL,
  reserved       bigint NOT NULL,
  n              integer NOT NULL,
  bucket         smallint NOT NULL,
  movement       text NOT NULL CHECK (movement IN ('received', 'reserved')),
  command_id     uuid NOT NULL,
  PRIMARY KEY (product_id, location, sequence),
  CONSTRAINT never_oversold CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (vacuum_truncate = off);
CREATE INDEX movement_changes ON eco.movement (seq, n);

CREATE TABLE eco.cart (
  customer_id   text PRIMARY KEY,
  seq           bigint NOT NULL,
  bucket        smallint NOT NULL,
  cleared_stamp text NOT NULL
) WITH (fillfactor = 80, vacuum_truncate = off);

CREATE TABLE eco.cart_item (
  customer_id text NOT NULL,
  product_id  text NOT NULL,
  seq         bigint NOT NULL,
  quantity    integer NOT NULL CHECK (quantity >= 0),
  bucket      smallint NOT NULL,
  stamp       text NOT NULL,
  PRIMARY KEY (customer_id, product_id)
) WITH (fillfactor = 80, vacuum_truncate = off);

-- command is json, not jsonb: it keeps what came as it came, escapes of U+0000 among it.
CREATE TABLE eco.dead_letter (
  command_id      uuid NOT NULL,
  body_hash       bytea NOT NULL,
  state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'replayed', 'discarded')),
  seq             bigint NOT NULL,
  first_failed_at timestamptz NOT NULL,
  tries           integer NOT NULL DEFAULT 1,
  -- Null when what came names no key.
  bucket          smallint,
  error_class     text NOT NULL,
  reason          text NOT NULL,
  sent_by         text,
  command         json NOT NULL,
  PRIMARY KEY (command_id, body_hash)
);
CREATE INDEX dead_letter_open ON eco.dead_letter (first_failed_at) WHERE state = 'open';
`;

const routing = `
-- Routing as libs/routing computes it: hash12 = first 12 bits of MD5 over the key's UTF-8 bytes.
CREATE FUNCTION eco.hash12(key text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ('x' || substr(md5(key), 1, 3))::bit(12)::integer;

CREATE FUNCTION eco.bucket_of(key text, buckets integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN eco.hash12(key) % buckets;

-- The 12 bits behind the version digit of an order's or command's id hold the hash of its key.
CREATE FUNCTION eco.hash12_of_id(id uuid) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ('x' || substr(id::text, 16, 3))::bit(12)::integer;

CREATE FUNCTION eco.bucket_of_id(id uuid, buckets integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN eco.hash12_of_id(id) % buckets;
`;

/** The query of `eco.change`. A view keeps the tables that its names meant, so a later migration may need it again. */
export const changes = `SELECT u.topic, u.seq, u.n, u.change_type AS type, u.command_id, u.decided_at AS at, u.bucket,
       coalesce(u.change_data, eco.order_result(o) || jsonb_build_object('customerId', o.customer_id, 'branchId', o.branch_id))
         AS data
FROM eco.outcome u
LEFT JOIN eco.orders o ON u.change_data IS NULL AND o.order_id = u.command_id
WHERE u.topic IS NOT NULL
UNION ALL
SELECT 'stock', m.seq, m.n, 'stock.changed', m.command_id, m.at, m.bucket,
       jsonb_build_object(
         'productId', m.product_id, 'location', m.location, 'sequence', m.sequence, 'movement', m.movement,
         'onHandDelta', m.on_hand_delta, 'reservedDelta', m.reserved_delta, 'onHand', m.on_hand, 'reserved', m.reserved)
FROM eco.movement m;`;

const views = `
-- What an order's outcome says, from the order's row.
CREATE FUNCTION eco.order_result(o eco.orders) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE o.status
  WHEN 'confirmed' THEN jsonb_build_object(
    'orderId', o.order_id, 'status', o.status, 'lines', o.lines, 'totalCents', o.total_cents)
  WHEN 'rejected' THEN jsonb_build_object(
    'orderId', o.order_id, 'status', o.status, 'short', o.short, 'unknownProducts', o.unknown_products)
END;

-- An outcome with its result, wherever that is kept.
CREATE VIEW eco.outcome_full AS
SELECT u.command_id, u.body_hash, u.kind, u.status, u.bucket, u.seq, u.n, u.topic, u.change_type, u.decided_at,
       coalesce(u.result, eco.order_result(o)) AS result
FROM eco.outcome u
LEFT JOIN eco.orders o ON u.result IS NULL AND o.order_id = u.command_id;

-- What GET /changes reads: WHERE topic = … AND seq > … ORDER BY seq, n. Both halves have an index in that order.
CREATE VIEW eco.change AS
${changes}
`;

const fence = `
-- The first statement of a batch: numbers it, and takes the group's row until the transaction ends. Whoever is not the
-- group's writer any more gets EF001, which aborts what is pipelined behind it.
CREATE FUNCTION eco.fence(my_term bigint, my_tag text, OUT seq bigint, OUT at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE eco.group_state s
  SET seq = s.seq + 1, at = greatest(s.at, date_trunc('milliseconds', clock_timestamp()))
  WHERE s.term = my_term AND s.tag = my_tag
  RETURNING s.seq, s.at INTO fence.seq, fence.at;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'term % (%) is over', my_term, my_tag USING ERRCODE = 'EF001';
  END IF;
END $$;

-- True in the transaction that fenced this batch and in no other; else EF002. Each statement that stores carries it:
-- on a session that lost its BEGIN every statement would commit by itself, and none may.
CREATE FUNCTION eco.fenced(my_term bigint, my_tag text, my_seq bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM FROM eco.group_state s
  WHERE s.term = my_term AND s.tag = my_tag AND s.seq = my_seq
    AND s.xmin = pg_current_xact_id_if_assigned()::xid;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this transaction did not fence batch % of term % (%)', my_seq, my_term, my_tag
      USING ERRCODE = 'EF002';
  END IF;
  RETURN true;
END $$;

-- An idle writer's sign of life: the group's clock goes on, its batches do not.
CREATE FUNCTION eco.touch(my_term bigint, my_tag text, OUT at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE eco.group_state s
  SET at = greatest(s.at, date_trunc('milliseconds', clock_timestamp()))
  WHERE s.term = my_term AND s.tag = my_tag
  RETURNING s.at INTO touch.at;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'term % (%) is over', my_term, my_tag USING ERRCODE = 'EF001';
  END IF;
END $$;
`;

const grants = `
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA eco FROM PUBLIC;
GRANT USAGE ON SCHEMA eco TO eco_writer, eco_reader, eco_monitor;

GRANT SELECT ON ALL TABLES IN SCHEMA eco TO eco_reader;
GRANT SELECT ON eco.group_state, eco.group_term TO eco_monitor;
GRANT EXECUTE ON FUNCTION eco.hash12, eco.bucket_of, eco.hash12_of_id, eco.bucket_of_id, eco.order_result
  TO eco_writer, eco_reader;

GRANT SELECT ON eco.setting, eco.bucket_ownership, eco.outcome_full, eco.change TO eco_writer;
GRANT SELECT, UPDATE ON eco.group_state TO eco_writer;
GRANT SELECT, INSERT ON eco.group_term, eco.outcome, eco.orders, eco.movement, eco.customer TO eco_writer;
GRANT SELECT, INSERT, UPDATE ON eco.product, eco.stock_level, eco.cart, eco.cart_item, eco.dead_letter TO eco_writer;
GRANT EXECUTE ON FUNCTION eco.fence, eco.fenced, eco.touch TO eco_writer;
`;

export class WritePath1795500000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [up, routing, views, fence, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
