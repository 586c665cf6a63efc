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

const grants = `
GRANT DELETE ON eco.tombstone, eco.dead_letter, eco.dead_letter_action, eco.cart, eco.cart_item TO eco_writer;
`;

export class Retention1796000000800 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
