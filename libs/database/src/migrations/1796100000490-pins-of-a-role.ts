import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The hashes of PINs leave the reach of `eco_reader`. The read-service reads them as `eco_pins`, and shows a branch those
 * of its own staff (docs/decisions/0069).
 */
const grants = `
REVOKE SELECT ON identity.branch_pin FROM eco_reader;
GRANT USAGE ON SCHEMA identity TO eco_pins;
GRANT SELECT ON identity.branch_pin TO eco_pins;
-- An account that only its branch vouches for sees the commands that the branch has sent.
GRANT SELECT (sender) ON eco.dead_letter TO eco_reader;
`;

export class PinsOfARole1796100000490 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(grants);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
