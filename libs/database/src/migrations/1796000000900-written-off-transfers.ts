import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Transfers that never arrived. The constraints are not validated: every row that was stored before is in transit or
 * has arrived, as the constraint in their place said.
 */
const up = `
ALTER TABLE eco.transfer
  ADD COLUMN written_off_at timestamptz,
  ADD COLUMN reason text,
  DROP CONSTRAINT transfer_status_check,
  ADD CONSTRAINT transfer_status_check CHECK (status IN ('in-transit', 'arrived', 'written-off')) NOT VALID,
  ADD CONSTRAINT transfer_written_off_check CHECK (
    (status = 'written-off') = (written_off_at IS NOT NULL) AND (status = 'written-off') = (reason IS NOT NULL)
  ) NOT VALID;
`;

export class WrittenOffTransfers1796000000900 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(up);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
