import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The id under which a request was decided, if it is another of its ids. A request has several ids when the id keys were
 * rotated (docs/decisions/0077).
 */
const up = `
ALTER TABLE eco.outcome ADD COLUMN decided_as uuid;

CREATE OR REPLACE VIEW eco.outcome_full AS
SELECT u.command_id, u.body_hash, u.kind, u.status, u.bucket, u.seq, u.n, u.topic, u.change_type, u.decided_at,
       coalesce(u.result, eco.order_result(o)) AS result, u.sender, u.actor, u.decided_as
FROM eco.outcome u
LEFT JOIN eco.orders o ON u.result IS NULL AND o.order_id = u.command_id;
`;

export class DecidedAs1796100000411 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(up);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: outcomes are kept for good');
  }
}
