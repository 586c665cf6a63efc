import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Consumers of that time: a later one creates its own table. */
const schemas = ['central', 'statistics', 'notifications'];

/**
 * A consumer's progress may be inside a batch: a batch of 200,000 changes is more than one transaction should apply. The
 * rows that are there are after whole batches, which is what null says.
 */
export class ProgressInBatch1796000000400 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const schema of schemas) {
      await queryRunner.query(`ALTER TABLE ${schema}.progress ADD COLUMN n integer CHECK (n > 0)`);
    }
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
