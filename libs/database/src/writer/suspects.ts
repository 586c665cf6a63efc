import { faultOf, type Fault } from './fault.js';
import type { Reign } from './reign.js';
import type { Statement, WriterSession } from './session.js';
import { FENCED, fence } from './table.js';

/**
 * Commands that are tried apart from others, because the process or its session may have ended over them. Stored before
 * they are tried, deleted by the batch that settles them.
 */
export interface SuspectSet {
  suspectId: string;
  commandIds: readonly string[];
  /** Reigns that began to try exactly these and have not settled them. */
  tries: number;
}

const load: Statement = {
  name: 'load suspects',
  text: `SELECT s.suspect_id, s.command_ids, s.tries FROM eco.suspect s ORDER BY s.seq, s.suspect_id`,
};

const remove: Statement = {
  name: 'delete suspects',
  text: `DELETE FROM eco.suspect s ${FENCED} AND s.suspect_id = ANY ($4::uuid[])`,
};

const put: Statement = {
  name: 'store suspect',
  text: `
INSERT INTO eco.suspect (seq, suspect_id, command_ids, tries)
SELECT $3, $4::uuid, $5::uuid[], $6::smallint
${FENCED}
ON CONFLICT (suspect_id) DO UPDATE
SET seq = excluded.seq, tries = excluded.tries`,
};

/** Those that the reigns before left. The session must have the lock. */
export async function readSuspects(session: WriterSession): Promise<SuspectSet[]> {
  const { rows } = await session.run(load);
  return rows.map(([suspectId, commandIds, tries]) => ({ suspectId, commandIds, tries })) as SuspectSet[];
}

/** Within a batch's transaction; call it inside `session.together`. */
export function sendRemoval(session: WriterSession, fenced: unknown[], suspectIds: readonly string[]) {
  return session.run(remove, [...fenced, suspectIds]);
}

/**
 * Changes the rows in a transaction of its own. It waits for no replica: a row that a failover takes costs a few more tries.
 * After a fault no transaction is open.
 */
export async function storeSuspects(
  session: WriterSession,
  { term, tag }: Reign,
  { removed, stored }: { removed: readonly string[]; stored: readonly SuspectSet[] },
): Promise<Fault | undefined> {
  try {
    const [, , fenced] = await Promise.all(
      session.together(() => [
        session.control('BEGIN'),
        session.control('SET LOCAL synchronous_commit = local'),
        session.run(fence, [term, tag, session.elapsed.send()]),
      ]),
    );
    const mine = [term, tag, fenced?.rows[0]?.[0]];
    await Promise.all(
      session.together(() => [
        ...(removed.length > 0 ? [sendRemoval(session, mine, removed)] : []),
        ...stored.map(({ suspectId, commandIds, tries }) => session.run(put, [...mine, suspectId, commandIds, tries])),
        session.control('COMMIT'),
      ]),
    );
    session.elapsed.stored();
    return undefined;
  } catch (error) {
    await session.control('ROLLBACK').catch(() => undefined);
    return faultOf(error);
  }
}
