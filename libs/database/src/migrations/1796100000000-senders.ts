import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who sent a command: the broker user, and the account for which it was sent. A tombstone has the branch that left it, or
 * `central`, which may end everything, as all could before. Rows from before have neither sender nor actor.
 */
const up = `
ALTER TABLE eco.outcome ADD COLUMN sender text, ADD COLUMN actor text;
ALTER TABLE eco.dead_letter ADD COLUMN sender text, ADD COLUMN actor text;
ALTER TABLE eco.dead_letter_action ADD COLUMN sender text;
ALTER TABLE eco.tombstone
  ADD COLUMN author text NOT NULL DEFAULT 'central',
  DROP CONSTRAINT tombstone_pkey,
  ADD PRIMARY KEY (command_id, author);

-- The senders of these determine their number.
CREATE INDEX dead_letter_of_sender ON eco.dead_letter (coalesce(sender, ''), error_class)
  WHERE state = 'open' AND error_class IN ('key-conflict', 'forbidden');

CREATE OR REPLACE VIEW eco.outcome_full AS
SELECT u.command_id, u.body_hash, u.kind, u.status, u.bucket, u.seq, u.n, u.topic, u.change_type, u.decided_at,
       coalesce(u.result, eco.order_result(o)) AS result, u.sender, u.actor
FROM eco.outcome u
LEFT JOIN eco.orders o ON u.result IS NULL AND o.order_id = u.command_id;
`;

export class Senders1796100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(up);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
