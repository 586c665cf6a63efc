import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * An account sees only its own commands, so the reader needs the actor of a dead letter. A pending order shows only a
 * tombstone that binds it, so the reader needs the author.
 */
const grants = `
GRANT SELECT (actor) ON eco.dead_letter TO eco_reader;
GRANT SELECT (author) ON eco.tombstone TO eco_reader;
`;

export class ActorAndAuthorForTheReader1796100000410 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(grants);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
