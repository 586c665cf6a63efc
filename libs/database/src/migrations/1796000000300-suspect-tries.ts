import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which processes tried suspect commands, so that only processes that ended count against a command, and not sessions
 * that the database ended (ADR 0044).
 *
 * - `tried_by`: `<process>@<start of the server>`, one entry for each process that began to try the commands and has not
 *   withdrawn its try. A process that lost its session but lives withdraws it.
 * - `condemned`: set by an operator; the command becomes a dead letter before the next try.
 */
const up = `
ALTER TABLE eco.suspect
  ADD COLUMN tried_by text[] NOT NULL DEFAULT '{}',
  ADD COLUMN condemned boolean NOT NULL DEFAULT false;
`;

export class SuspectTries1796000000300 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(up);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
