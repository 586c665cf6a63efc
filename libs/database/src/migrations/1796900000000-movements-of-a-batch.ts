import type { MigrationInterface, QueryRunner } from 'typeorm';
import { changes } from './1795500000000-write-path.js';

/**
 * A row of `eco.movement_row` has all movements of a level in a batch: the last one in its columns, the earlier ones in
 * arrays (docs/decisions/0117). `eco.movement` shows one row for each movement, as before.
 *
 * Services of the version before go on: they read and write `eco.movement`.
 */
const table = `
ALTER TABLE eco.movement
  ADD COLUMN earlier_commands uuid[],
  ADD COLUMN earlier_movements text[],
  ADD COLUMN earlier_on_hand_deltas bigint[],
  ADD COLUMN earlier_reserved_deltas bigint[];
ALTER TABLE eco.movement RENAME TO movement_row;

-- The movements before the last one of a row, each with the level after it. \`back\`: by how many it precedes the last one.
CREATE FUNCTION eco.earlier_movements(m eco.movement_row)
RETURNS TABLE (back bigint, on_hand_delta bigint, reserved_delta bigint, on_hand bigint, reserved bigint, movement text,
  command_id uuid)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT count(*) OVER newer, e.on_hand_delta, e.reserved_delta,
         m.on_hand - m.on_hand_delta - (sum(e.on_hand_delta) OVER newer - e.on_hand_delta)::bigint,
         m.reserved - m.reserved_delta - (sum(e.reserved_delta) OVER newer - e.reserved_delta)::bigint,
         e.movement, e.command_id
  FROM unnest(m.earlier_commands, m.earlier_movements, m.earlier_on_hand_deltas, m.earlier_reserved_deltas)
    WITH ORDINALITY AS e (command_id, movement, on_hand_delta, reserved_delta, place)
  WINDOW newer AS (ORDER BY e.place DESC ROWS UNBOUNDED PRECEDING)
$$;

CREATE VIEW eco.movement AS
SELECT m.product_id, m.location, m.sequence, m.seq, m.at, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reserved, m.n,
       m.bucket, m.movement, m.command_id
FROM eco.movement_row m
UNION ALL
SELECT m.product_id, m.location, m.sequence - e.back, m.seq, m.at, e.on_hand_delta, e.reserved_delta, e.on_hand, e.reserved,
       m.n - e.back::integer, m.bucket, e.movement, e.command_id
FROM eco.movement_row m CROSS JOIN LATERAL eco.earlier_movements(m) e
WHERE m.earlier_commands IS NOT NULL;

CREATE FUNCTION eco.insert_movement() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO eco.movement_row (product_id, location, sequence, seq, at, on_hand_delta, reserved_delta, on_hand, reserved, n,
    bucket, movement, command_id)
  VALUES (NEW.product_id, NEW.location, NEW.sequence, NEW.seq, NEW.at, NEW.on_hand_delta, NEW.reserved_delta, NEW.on_hand,
    NEW.reserved, NEW.n, NEW.bucket, NEW.movement, NEW.command_id);
  RETURN NEW;
END $$;
CREATE TRIGGER insert_movement INSTEAD OF INSERT ON eco.movement FOR EACH ROW EXECUTE FUNCTION eco.insert_movement();
`;

const change = `
-- As before, with every movement.
CREATE OR REPLACE VIEW eco.change AS
${changes}
`;

const grants = `
REVOKE ALL ON FUNCTION eco.insert_movement, eco.earlier_movements FROM PUBLIC;
GRANT SELECT ON eco.movement TO eco_reader, eco_writer;
GRANT INSERT ON eco.movement TO eco_writer;
GRANT EXECUTE ON FUNCTION eco.insert_movement TO eco_writer;
GRANT EXECUTE ON FUNCTION eco.earlier_movements TO eco_writer, eco_reader;
`;

export class MovementsOfABatch1796900000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    for (const sql of [table, change, grants]) await queryRunner.query(sql);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only: the ledger is kept for good');
  }
}
