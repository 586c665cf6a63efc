import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * `group_state.confirmed_seq`: the last batch that a replica is certain to have stored (docs/decisions/0114). The leader
 * changes the row only when the COMMIT before has been answered, so each change confirms the batch that the row had before.
 */
const state = `
ALTER TABLE eco.group_state ADD COLUMN confirmed_seq bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE VIEW eco.group_position AS
SELECT s.group_id, s.term, s.tag, s.seq, s.at, s.heartbeat, s.leader_tag, s.confirmed_seq
FROM eco.group_state s
ORDER BY s.heartbeat DESC
LIMIT 1;
`;

const functions = `
CREATE OR REPLACE FUNCTION eco.fence(
  my_term bigint, my_tag text, elapsed_ms double precision, OUT seq bigint, OUT at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  last_term bigint;
BEGIN
  FOR try IN 1..2 LOOP
    UPDATE eco.group_state s
    SET heartbeat = s.heartbeat + 1, term = my_term, tag = my_tag, seq = s.seq + 1, confirmed_seq = s.seq,
        at = eco.next_at(s.at, eco.clock(), elapsed_ms)
    FROM (SELECT p.heartbeat, p.term FROM eco.group_state p ORDER BY p.heartbeat DESC LIMIT 1) newest
    WHERE s.heartbeat = newest.heartbeat AND s.leader_tag = my_tag
    RETURNING s.seq, s.at, newest.term INTO fence.seq, fence.at, last_term;
    IF FOUND THEN
      IF last_term <> my_term THEN
        INSERT INTO eco.group_term (term, tag, first_seq) VALUES (my_term, my_tag, fence.seq);
      END IF;
      RETURN;
    END IF;
    PERFORM FROM eco.group_state s ORDER BY s.heartbeat DESC LIMIT 1 FOR UPDATE;
  END LOOP;
  RAISE EXCEPTION 'term % (%) is over', my_term, my_tag USING ERRCODE = 'EF001';
END $$;

CREATE OR REPLACE FUNCTION eco.send_heartbeat(my_tag text, elapsed_ms double precision) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  FOR try IN 1..2 LOOP
    UPDATE eco.group_state s
    SET heartbeat = s.heartbeat + 1, confirmed_seq = s.seq, at = eco.next_at(s.at, eco.clock(), elapsed_ms)
    FROM (SELECT p.heartbeat FROM eco.group_state p ORDER BY p.heartbeat DESC LIMIT 1) newest
    WHERE s.heartbeat = newest.heartbeat AND s.leader_tag = my_tag;
    IF FOUND THEN RETURN; END IF;
    PERFORM FROM eco.group_state s ORDER BY s.heartbeat DESC LIMIT 1 FOR UPDATE;
  END LOOP;
  RAISE EXCEPTION 'the leadership (%) is over', my_tag USING ERRCODE = 'EF001';
END $$;
`;

export class ConfirmedSeq1796700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [state, functions]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
