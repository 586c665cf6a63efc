import { WHERE_FENCED } from '@eco/database';
import type { Statement } from '@eco/postgres';
import { batchFailureOf, withoutCommand, type OtherFailure } from './batch-failure.js';
import { fence } from './fence.js';
import type { LeaderTerm } from './leader-term.js';
import type { WriterSession } from './session.js';

/**
 * Commands that are tried separately, because an earlier try may have ended the process or its session. The row is
 * stored before the commands are tried, and the batch that settles them deletes it.
 */
export interface SuspectSet {
  suspectId: string;
  commandIds: readonly string[];
  /** Number of times that a process began to try exactly these commands without settling them. */
  tries: number;
}

export interface StoredSuspectSet extends SuspectSet {
  /**
   * Processes that started to try exactly these commands, have not withdrawn the try, and did so since the server
   * started. After a restart or failover of the server it is unknown which process ended.
   */
  processesEnded: number;
  /** True: an operator has decided that the command is not tried again. */
  isCondemned: boolean;
}

const SERVER_START = `extract(epoch FROM pg_postmaster_start_time())::text`;

const load: Statement = {
  name: 'load suspects',
  text: `
SELECT s.suspect_id, s.command_ids, s.tries, s.condemned,
  (SELECT count(*)::int FROM unnest(s.tried_by) AS t(entry) WHERE split_part(t.entry, '@', 2) = ${SERVER_START})
FROM eco.suspect s ORDER BY s.seq, s.suspect_id`,
};

const remove: Statement = {
  name: 'delete suspects',
  text: `DELETE FROM eco.suspect s ${WHERE_FENCED} AND s.suspect_id = ANY ($4::uuid[])`,
};

const without = (process: string) =>
  `ARRAY(SELECT t.entry FROM unnest(s.tried_by) AS t(entry) WHERE split_part(t.entry, '@', 1) <> ${process})`;

const put: Statement = {
  name: 'store suspect',
  text: `
INSERT INTO eco.suspect AS s (seq, suspect_id, command_ids, tries, tried_by)
SELECT $3, $4::uuid, $5::uuid[], $6::smallint, CASE WHEN $8::boolean THEN ARRAY[$7::text || '@' || ${SERVER_START}] ELSE '{}' END
${WHERE_FENCED}
ON CONFLICT (suspect_id) DO UPDATE
SET seq = excluded.seq, tries = excluded.tries, tried_by = ${without('$7::text')} || excluded.tried_by`,
};

const WITHDRAW = `
UPDATE eco.suspect s SET tried_by = ${without('$1::text')}
WHERE EXISTS (SELECT FROM unnest(s.tried_by) AS t(entry) WHERE split_part(t.entry, '@', 1) = $1::text)`;

/** All stored suspects. */
export async function readSuspects(session: WriterSession): Promise<StoredSuspectSet[]> {
  const { rows } = await session.run(load);
  return rows.map(([suspectId, commandIds, tries, isCondemned, processesEnded]) => {
    return { suspectId, commandIds, tries, isCondemned, processesEnded } as StoredSuspectSet;
  });
}

/** Stores or deletes rows in a batch's transaction. Call it inside `session.together`. */
export function sendRemoval(session: WriterSession, fenced: unknown[], suspectIds: readonly string[]) {
  return session.run(remove, [...fenced, suspectIds]);
}

/**
 * Changes the rows in a separate transaction. It records that `process` begins to try `begun` and withdraws its try of
 * `stored`. The transaction waits for a replica like a batch: it has a number, and a reader may keep it as its
 * position. After a failure no transaction is open.
 */
export async function storeSuspects(
  session: WriterSession,
  { term, tag }: LeaderTerm,
  process: string,
  { removed = [], stored = [], begun }: SuspectChanges,
): Promise<OtherFailure | undefined> {
  try {
    const [, fenced] = await Promise.all(
      session.together(() => [session.control('BEGIN'), session.run(fence, [term, tag, session.elapsed.send()])]),
    );
    const mine = [term, tag, fenced?.rows[0]?.[0]];
    const send = ({ suspectId, commandIds, tries }: SuspectSet, isBegun: boolean) =>
      session.run(put, [...mine, suspectId, commandIds, tries, process, isBegun]);
    await Promise.all(
      session.together(() => [
        ...(removed.length > 0 ? [sendRemoval(session, mine, removed)] : []),
        ...stored.map((set) => send(set, false)),
        ...(begun === undefined ? [] : [send(begun, true)]),
        session.control('COMMIT'),
      ]),
    );
    session.elapsed.stored();
    return undefined;
  } catch (error) {
    await session.control('ROLLBACK').catch(() => undefined);
    return withoutCommand(batchFailureOf(error));
  }
}

export interface SuspectChanges {
  /** Ids of rows. */
  removed?: readonly string[];
  stored?: readonly SuspectSet[];
  begun?: SuspectSet | undefined;
}

/**
 * Withdraws the tries of `process`: it is alive, so those commands did not end it. This needs no leadership, because a
 * leader adds and removes only the entries of its own process.
 */
export async function withdrawTries(
  run: (text: string, values: unknown[]) => Promise<unknown>,
  process: string,
): Promise<void> {
  await run(WITHDRAW, [process]);
}
