import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The group's row: a heartbeat that is a counter, a clock that never stands still, and a term that begins with its first
 * batch.
 *
 * - `heartbeat` grows with every version of the row, so it is the key by which the newest version is found: the last entry
 *   of its index, whatever number of dead versions a held snapshot keeps behind it. An update is not HOT any more; that is
 *   one index entry a batch. (With 100,000 dead versions a read took 938 pages, now 3.)
 * - `leader_tag` is the active leadership's, also before its first batch. `term` and `tag` are those of the last batch: a
 *   leadership without a batch is seen by no reader and leaves no row in group_term.
 * - `timeline` is PostgreSQL's, of the last leadership. The first one after a promotion takes its term at once: what the
 *   promotion lost is then lost to readers without a batch. 0: none yet.
 * - Writers of the version before are refused (their functions are gone): they give up, and decide nothing.
 */
const state = `
ALTER TABLE eco.group_state ADD COLUMN heartbeat bigint, ADD COLUMN leader_tag text, ADD COLUMN timeline integer;
UPDATE eco.group_state SET heartbeat = 1, leader_tag = tag, timeline = 0;
-- Without a default: what made the row before can't make a second one.
ALTER TABLE eco.group_state
  ALTER COLUMN heartbeat SET NOT NULL, ALTER COLUMN leader_tag SET NOT NULL, ALTER COLUMN timeline SET NOT NULL;
-- Its key is the same for each version, so a check for uniqueness would look at all of them.
ALTER TABLE eco.group_state DROP COLUMN only_row;
ALTER TABLE eco.group_state ADD PRIMARY KEY (heartbeat);
-- Half of a page free would have each update look through the page for versions to remove.
ALTER TABLE eco.group_state RESET (fillfactor);

-- The row, at the same cost however many dead versions it has.
CREATE VIEW eco.group_position AS
SELECT s.group_id, s.term, s.tag, s.seq, s.at, s.heartbeat, s.leader_tag
FROM eco.group_state s
ORDER BY s.heartbeat DESC
LIMIT 1;
`;

const clock = `
-- The server's clock. The one place that asks it for the group, so a test can step it.
CREATE FUNCTION eco.clock() RETURNS timestamptz
LANGUAGE sql VOLATILE
RETURN date_trunc('milliseconds', clock_timestamp());

-- The group's clock after "elapsed_ms" of the leader's own monotonic clock. It follows the server's clock when that is
-- ahead. When that went back, the group's clock goes on at nine tenths of the speed: everything that waits for it still
-- ends, 11 % later, and a difference of 15 minutes is made up in two and a half hours.
CREATE FUNCTION eco.next_at(at timestamptz, clock timestamptz, elapsed_ms double precision) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN greatest(clock, at + interval '1 millisecond' * greatest(1, round(elapsed_ms * 0.9)));
`;

const fence = `
DROP FUNCTION eco.fence(bigint, text);
DROP FUNCTION eco.touch(bigint, text);

-- The first statement of a batch: numbers it, and takes the group's row until the transaction ends. Whoever is not the
-- group's leader any more gets EF001, which aborts what is pipelined behind it. An update that had to wait for another
-- batch finds the row under another key and changes nothing: then the lock finds the newest version, and the second try
-- has it.
CREATE FUNCTION eco.fence(
  my_term bigint, my_tag text, elapsed_ms double precision, OUT seq bigint, OUT at timestamptz)
LANGUAGE plpgsql AS $$
DECLARE
  last_term bigint;
BEGIN
  FOR try IN 1..2 LOOP
    UPDATE eco.group_state s
    SET heartbeat = s.heartbeat + 1, term = my_term, tag = my_tag, seq = s.seq + 1,
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

-- True in the transaction that fenced this batch and in no other; else EF002. Each statement that stores carries it:
-- on a session that lost its BEGIN every statement would commit by itself, and none may.
CREATE OR REPLACE FUNCTION eco.fenced(my_term bigint, my_tag text, my_seq bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
  PERFORM FROM (SELECT s.term, s.tag, s.seq, s.xmin FROM eco.group_state s ORDER BY s.heartbeat DESC LIMIT 1) newest
  WHERE newest.term = my_term AND newest.tag = my_tag AND newest.seq = my_seq
    AND newest.xmin = pg_current_xact_id_if_assigned()::xid;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this transaction did not fence batch % of term % (%)', my_seq, my_term, my_tag
      USING ERRCODE = 'EF002';
  END IF;
  RETURN true;
END $$;

-- An idle leader's heartbeat: the group's clock goes on, its batches do not.
CREATE FUNCTION eco.send_heartbeat(my_tag text, elapsed_ms double precision) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  FOR try IN 1..2 LOOP
    UPDATE eco.group_state s
    SET heartbeat = s.heartbeat + 1, at = eco.next_at(s.at, eco.clock(), elapsed_ms)
    FROM (SELECT p.heartbeat FROM eco.group_state p ORDER BY p.heartbeat DESC LIMIT 1) newest
    WHERE s.heartbeat = newest.heartbeat AND s.leader_tag = my_tag;
    IF FOUND THEN RETURN; END IF;
    PERFORM FROM eco.group_state s ORDER BY s.heartbeat DESC LIMIT 1 FOR UPDATE;
  END LOOP;
  RAISE EXCEPTION 'the leadership (%) is over', my_tag USING ERRCODE = 'EF001';
END $$;
`;

const grants = `
REVOKE ALL ON FUNCTION eco.clock, eco.next_at, eco.fence, eco.send_heartbeat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION eco.clock, eco.next_at, eco.fence, eco.send_heartbeat TO eco_writer;
GRANT SELECT ON eco.group_position TO eco_writer, eco_reader, eco_monitor;
`;

export class GroupClock1796000000200 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [state, clock, fence, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}
