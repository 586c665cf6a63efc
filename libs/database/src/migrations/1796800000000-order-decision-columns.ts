import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The outcome of `order.place` and its change are in the order's row (docs/decisions/0116). Null: they are rows of their
 * own, because the order is older than these columns or was made by another command.
 */
const columns = `
ALTER TABLE eco.orders
  ADD COLUMN decided_seq bigint,
  ADD COLUMN n integer,
  ADD COLUMN body_hash bytea,
  ADD COLUMN sender text,
  ADD COLUMN actor text;
`;

export class OrderDecisionColumns1796800000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(columns);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
