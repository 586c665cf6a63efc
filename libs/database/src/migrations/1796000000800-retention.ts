import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the leader needs to remove rows whose time is over (see `writer/retention.ts`), and to bound key conflicts.
 *
 * - A tombstone gets the time at which it was written. Those that are there count from now on: kept longer than they need
 *   be, never shorter.
 * - Carts need no index for it: they are looked through in the order of their keys, so that no edit pays for it.
 * - All three indexes are of few rows: of tombstones, of dead letters that are closed, of key conflicts that are open.
 */
const tables = `
-- now() is evaluated once, here, for the rows that are there: they are not rewritten.
ALTER TABLE eco.tombstone ADD COLUMN at timestamptz NOT NULL DEFAULT now();
CREATE INDEX tombstone_at ON eco.tombstone (at);
CREATE INDEX dead_letter_closed ON eco.dead_letter (first_failed_at) WHERE state <> 'open';
CREATE INDEX dead_letter_key_conflicts ON eco.dead_letter (sent_by, first_failed_at)
  WHERE state = 'open' AND error_class = 'key-conflict';
`;

const removal = `
-- The writer can remove no dead letter that waits for an operator, nor a young one: so it has this and not DELETE.
CREATE FUNCTION eco.remove_dead_letters(ids uuid[], hashes text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  DELETE FROM eco.dead_letter_action a USING unnest(ids, hashes) AS r(id, hash)
  WHERE a.command_id = r.id AND a.body_hash = decode(r.hash, 'hex') AND EXISTS (
    SELECT FROM eco.dead_letter d
    WHERE d.command_id = a.command_id AND d.body_hash = a.body_hash
      AND (d.state <> 'open' OR d.error_class = 'key-conflict') AND d.first_failed_at < now() - interval '90 days');
  DELETE FROM eco.dead_letter d USING unnest(ids, hashes) AS r(id, hash)
  WHERE d.command_id = r.id AND d.body_hash = decode(r.hash, 'hex')
    AND (d.state <> 'open' OR d.error_class = 'key-conflict') AND d.first_failed_at < now() - interval '90 days';
END;
`;

const grants = `
REVOKE ALL ON FUNCTION eco.remove_dead_letters FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eco.remove_dead_letters TO eco_writer;
GRANT DELETE ON eco.tombstone, eco.cart, eco.cart_item TO eco_writer;
`;

export class Retention1796000000800 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, removal, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
