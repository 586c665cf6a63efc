import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The head office lists the sales of a branch, newest first (`GET /sales`). */
const index = `
CREATE INDEX sale_of_branch ON eco.sale (branch_id, sold_at, sale_id);
`;

export class SalesOfABranch1796200000100 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(index);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
