import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The changes in the rows of orders, in their order. A try that failed has left an index that is not valid. */
const index = [
  'DROP INDEX CONCURRENTLY IF EXISTS eco.orders_changes',
  'CREATE INDEX CONCURRENTLY orders_changes ON eco.orders (decided_seq, n) WHERE decided_seq IS NOT NULL',
];

export class ChangesInOrders1796800000001 implements MigrationInterface {
  /** CONCURRENTLY is not possible in a transaction. */
  readonly transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of index) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
