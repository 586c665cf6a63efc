import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * PINs, by which staff log in at their branch while Central can't be reached (docs/decisions/0073). A branch reads the
 * hashes of its own accounts.
 */
const pins = `
ALTER TABLE identity.account
  -- argon2id, as the password's.
  ADD COLUMN pin_hash text,
  -- The account's id key: a branch makes the same ids from its Idempotency-Keys as Central.
  ADD COLUMN pin_id_key bytea CHECK ((pin_id_key IS NULL) = (pin_hash IS NULL));

CREATE VIEW identity.branch_pin AS
  SELECT account_id, login_hash, role, branch_id, pin_hash, pin_id_key FROM identity.account
  WHERE pin_hash IS NOT NULL AND branch_id IS NOT NULL AND disabled_at IS NULL;
GRANT SELECT ON identity.branch_pin TO eco_reader;
`;

export class Pins1796100000220 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(pins);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
