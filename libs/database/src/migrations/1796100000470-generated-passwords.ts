import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A generated password of a person expires, so that its owner sets another. Null: the password does not expire. */
const column = `ALTER TABLE identity.account ADD COLUMN password_expires_at timestamptz;`;

export class GeneratedPasswords1796100000470 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(column);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
