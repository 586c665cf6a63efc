import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a restore leaves behind (docs/decisions/0095): the branches that may hold units which the database has forgotten.
 *
 * - `awaited_branch` is written by `eco restore` alone, before the database is used again. Its rows stay: a branch that is
 *   offline for weeks learns the epoch by its row.
 * - `holder.settled_epoch` equals the row's epoch once the branch has sent its entries again.
 */
const tables = `
CREATE TABLE eco.awaited_branch (
  branch_id text PRIMARY KEY,
  -- A random text that names the restore.
  epoch     text NOT NULL
);
ALTER TABLE eco.holder ADD COLUMN settled_epoch text;
`;

const grants = `
GRANT SELECT ON eco.awaited_branch TO eco_writer, eco_reader, eco_monitor;
`;

export class Restores1796300000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
