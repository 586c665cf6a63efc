import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Finds closed dead letters that still have their content (see `writer/retention.ts`). Forbidden ones keep it: the same
 * content may come again from another sender, and the dead letter is then open again.
 */
export class DeadLetterContent1796100000431 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(
      `CREATE INDEX dead_letter_content ON eco.dead_letter (first_failed_at)
       WHERE state <> 'open' AND error_class <> 'forbidden' AND command::text <> '{"emptied":true}'`,
    );
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
