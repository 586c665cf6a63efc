import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The reader's password is in every API, also in a branch. So it reads of dead letters and tombstones only the columns
 * that a read route shows, and nothing of the operator's tables. The operator's role is a member of the reader, so it
 * reads what the reader reads, and these tables in full.
 */
const grants = `
REVOKE ALL ON eco.dead_letter, eco.dead_letter_action, eco.suspect, eco.tombstone FROM eco_reader;
GRANT SELECT (command_id, body_hash, state, error_class, reason, first_failed_at) ON eco.dead_letter TO eco_reader;
GRANT SELECT (command_id, reason) ON eco.tombstone TO eco_reader;
GRANT SELECT ON eco.dead_letter, eco.dead_letter_action, eco.suspect, eco.tombstone TO eco_operator;
`;

export class ReaderWithoutDeadLetters1796100000100 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(grants);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
