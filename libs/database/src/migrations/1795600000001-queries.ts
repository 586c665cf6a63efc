import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the queries need beside the primary keys. Each index costs the writer something at each row, so there is one for
 * each question and none on a column of stock_level that changes: that would take the HOT updates from the hottest table
 * there is. Low stock is therefore found by going through a location's levels, a bounded number a page.
 */
const indices = `
-- Orders of a branch (the head office is 'central', as a location) by time.
CREATE INDEX orders_of_branch ON eco.orders (coalesce(branch_id, 'central'), placed_at, order_id);
CREATE INDEX stock_level_of_location ON eco.stock_level (location, product_id);
DROP INDEX eco.customer_email;
CREATE INDEX customer_email ON eco.customer (lower(email), customer_id);
`;

const search = `
-- The words of a name, without case and accents: 'Café Premium' → 'cafe premium'.
CREATE FUNCTION eco.words(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN regexp_replace(
  lower(regexp_replace(normalize(name, NFKD), U&'[\\0300-\\036f]', '', 'g')), '[^[:alnum:]]+', ' ', 'g');

-- What finds names that have, for each word given, one that begins so. Null: no word is given.
CREATE FUNCTION eco.beginning_so(name text) RETURNS tsquery
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT to_tsquery('simple', string_agg('''' || w || ''':*', ' & '))
        FROM regexp_split_to_table(eco.words(name), ' ') w WHERE w <> '');

CREATE INDEX product_words ON eco.product USING gin (to_tsvector('simple', eco.words(name)));
REVOKE ALL ON FUNCTION eco.words, eco.beginning_so FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eco.words TO eco_writer, eco_reader;
GRANT EXECUTE ON FUNCTION eco.beginning_so TO eco_reader;
`;

const sales = `
-- What was sold of each product, by day (UTC, of the decision) and branch.
CREATE TABLE statistics.sales (
  day           date NOT NULL,
  -- '' is Central: a key can't hold a null.
  branch_id     text NOT NULL,
  product_id    text NOT NULL,
  -- Orders that hold the product.
  sales         bigint NOT NULL,
  units         bigint NOT NULL,
  revenue_cents bigint NOT NULL,
  PRIMARY KEY (day, branch_id, product_id)
) WITH (fillfactor = 50, vacuum_truncate = off);
CREATE INDEX sales_of_product ON statistics.sales (product_id, day, branch_id);

-- What statistics have counted already, by product: as far as their progress goes.
INSERT INTO statistics.sales (day, branch_id, product_id, sales, units, revenue_cents)
SELECT (o.decided_at AT TIME ZONE 'UTC')::date, coalesce(o.branch_id, ''), l."productId",
       count(DISTINCT o.order_id), sum(l.quantity), sum(l.quantity * l."unitPriceCents")
FROM eco.group_state s
JOIN statistics.progress p ON p.group_id = s.group_id AND p.consumer = 'statistics' AND p.topic = 'orders'
JOIN eco.orders o ON o.seq <= p.seq AND o.status = 'confirmed',
     jsonb_to_recordset(o.lines) AS l ("productId" text, quantity bigint, "unitPriceCents" bigint)
GROUP BY 1, 2, 3;

GRANT SELECT, INSERT, UPDATE, DELETE ON statistics.sales TO eco_statistics;
GRANT USAGE ON SCHEMA statistics TO eco_reader;
GRANT SELECT ON statistics.daily, statistics.sales, statistics.progress TO eco_reader;
`;

export class Queries1795600000001 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [indices, search, sales]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
