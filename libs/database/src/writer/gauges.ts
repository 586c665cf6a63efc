import type { SideConnection } from '../nodes/side-connection.js';

export interface GroupGauges {
  deadLettersOpen: number;
  /** Transactions since the oldest snapshot that anything holds: dead versions of hot rows pile up behind it. */
  oldestXminAge: number;
}

/** Asked of the primary, as eco_writer. Throws when it does not answer within a second. */
export async function readGauges(primary: SideConnection): Promise<GroupGauges> {
  const [row] = await primary.ask<{ dead_letters: string; xmin_age: string | null }>(`
SELECT (SELECT count(*) FROM eco.dead_letter d WHERE d.state = 'open') AS dead_letters,
  (SELECT max(age(x.xmin)) FROM (
    SELECT a.backend_xmin AS xmin FROM pg_stat_activity a
    UNION ALL SELECT s.xmin FROM pg_replication_slots s
    UNION ALL SELECT t.transaction FROM pg_prepared_xacts t
  ) x) AS xmin_age`);
  return { deadLettersOpen: Number(row?.dead_letters), oldestXminAge: Number(row?.xmin_age ?? 0) };
}
