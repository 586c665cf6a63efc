import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A branch reads what is on its way to it (`GET /branch/levels`). The index has only the transfers in transit. */
const index = `
CREATE INDEX transfer_in_transit ON eco.transfer (to_location) WHERE status = 'in-transit';
`;

export class TransfersToABranch1796200000200 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(index);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
