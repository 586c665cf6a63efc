import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A desk for dead letters, and commands that are suspected to end the process which tries them.
 *
 * - A dead letter keeps where it failed, so that those which failed alike make a group, and the number of the last thing
 *   that an operator had done with it. Each such thing is a row of `dead_letter_action`, written by the batch that did it.
 * - A row of `suspect` is there while its commands are tried apart, and is deleted by the batch that settles them. The next
 *   leader that finds one knows that a reign ended over exactly these.
 */
const tables = `
ALTER TABLE eco.dead_letter
  -- Null when what came is of no kind that there is.
  ADD COLUMN kind text,
  ADD COLUMN place text NOT NULL DEFAULT '',
  ADD COLUMN last_number integer NOT NULL DEFAULT 0;

CREATE TABLE eco.dead_letter_action (
  command_id uuid NOT NULL,
  body_hash  bytea NOT NULL,
  number     integer NOT NULL,
  seq        bigint NOT NULL,
  at         timestamptz NOT NULL,
  action     text NOT NULL CHECK (action IN ('replay', 'discard')),
  operator   text NOT NULL,
  result     text NOT NULL,
  reason     text,
  PRIMARY KEY (command_id, body_hash, number)
);

CREATE TABLE eco.suspect (
  suspect_id  uuid PRIMARY KEY,
  command_ids uuid[] NOT NULL,
  -- Reigns that began to try exactly these and have not settled them.
  tries       smallint NOT NULL,
  seq         bigint NOT NULL
);
`;

const grants = `
GRANT SELECT ON eco.dead_letter_action, eco.suspect TO eco_reader;
GRANT SELECT, INSERT ON eco.dead_letter_action TO eco_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON eco.suspect TO eco_writer;
`;

export class DeadLetters1795700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [tables, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
