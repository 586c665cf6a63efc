import { randomBytes } from 'node:crypto';
import { topics, type Topic } from '@eco/contracts';
import { PRIMARY_TIMELINE, type Statement } from '@eco/postgres';
import type { GroupPosition } from '@eco/routing';
import { batchFailureOf, withoutCommand, type OtherFailure } from './batch-failure.js';
import type { WriterSession } from './session.js';

/**
 * The right to write. A session that holds the advisory lock puts its tag into the group's row. From then on the fence
 * passes for no other session.
 *
 * The term begins with its first batch. A leadership that decides nothing is invisible to readers and leaves no row
 * behind. The first leadership after a promotion takes its term at once, because the promotion starts another history:
 * batches that readers saw and the promotion lost are lost from then on.
 *
 * The lock is polled, never waited for. A session that waits in the lock holds a snapshot, which holds back vacuum
 * (batch time rose from 20 to 87 ms within 400 batches).
 */
export interface LeaderTerm extends GroupPosition {
  /**
   * A random text. It distinguishes two leaderships with the same term number, which a failover that lost the first one
   * can produce.
   */
  readonly tag: string;
  /** The group's last batch when the leadership began. */
  readonly seq: number;
  /** The leadership that readers see until the first batch: usually the previous one. */
  shown: { term: number; tag: string };
  /** The chain's fixed number of buckets. */
  buckets: number;
}

/** Advisory locks are per database, so one number serves all groups. */
const LOCK = 0x0ec0;

const tryLock: Statement = { name: 'try lock', text: `SELECT pg_try_advisory_lock(${LOCK})` };

const lead: Statement = {
  name: 'lead',
  text: `
WITH led AS (
  UPDATE eco.group_state s
  SET leader_tag = $1, heartbeat = s.heartbeat + 1, at = eco.next_at(s.at, eco.clock(), 0), timeline = t.now,
      confirmed_seq = s.seq,
      term = CASE WHEN s.timeline = t.now THEN s.term ELSE s.term + 1 END,
      tag = CASE WHEN s.timeline = t.now THEN s.tag ELSE $1 END
  FROM (SELECT ${PRIMARY_TIMELINE} AS now) t
  RETURNING s.group_id, s.term, s.tag, s.seq
), kept AS (
  INSERT INTO eco.group_term (term, tag, first_seq) SELECT l.term, l.tag, l.seq + 1 FROM led l WHERE l.tag = $1
)
SELECT l.group_id, l.term, l.tag, l.seq, (SELECT s.value FROM eco.setting s WHERE s.name = 'buckets'),
       CASE WHEN l.tag = $1 THEN eco_guard.note_position(l.term, l.tag, l.seq) END
FROM led l`,
};

const heartbeat: Statement = { name: 'heartbeat', text: 'SELECT FROM eco.send_heartbeat($1, $2)' };

const lastSeqs: Statement = {
  name: 'last seqs',
  text: `
SELECT t.topic, coalesce(greatest(
  (SELECT max(m.seq) FROM eco.movement_row m WHERE t.topic = 'stock'),
  (SELECT max(u.seq) FROM eco.outcome_row u WHERE u.topic = t.topic),
  (SELECT max(o.decided_seq) FROM eco.orders o WHERE t.topic = 'orders' AND o.decided_seq IS NOT NULL)), 0)
FROM unnest($1::text[]) AS t(topic)`,
};

const holder: Statement = {
  name: 'holder',
  text: `
SELECT s.heartbeat, l.pid, a.wait_event = 'SyncRep'
FROM eco.group_position s
LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted AND l.objid = ${LOCK}
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
LEFT JOIN pg_stat_activity a ON a.pid = l.pid`,
};

const terminate: Statement = {
  name: 'terminate holder',
  text: `
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity a
JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.objid = ${LOCK}
WHERE a.pid = $1 AND a.wait_event IS DISTINCT FROM 'SyncRep'`,
};

/** Takes the lock if it is free. Never waits. */
export async function tryToLead(session: WriterSession): Promise<boolean> {
  return (await session.run(tryLock)).rows[0]?.[0] === true;
}

/**
 * Starts a leadership; the session must hold the lock. Throws if it is uncertain whether a replica has stored it. Then
 * close the session and start again.
 */
export async function startTerm(session: WriterSession): Promise<LeaderTerm> {
  const tag = randomBytes(4).toString('hex');
  session.elapsed.send();
  const { rows, warning } = await session.run(lead, [tag]);
  if (warning !== undefined) throw new Error(`it is not certain that the leadership has begun: ${warning}`);
  session.elapsed.stored();
  const [group, shownTerm, shownTag, seq, buckets] = rows[0] as string[];
  if (buckets === undefined) throw new Error('this database has not been prepared for a group');
  const shown = { term: Number(shownTerm), tag: shownTag as string };
  const term = shown.tag === tag ? shown.term : shown.term + 1;
  return { group: group as string, term, tag, seq: Number(seq), shown, buckets: Number(buckets) };
}

/** The last batch that changed something under each topic; 0: none yet. Only this leadership can add to them. */
export async function readLastSeqs(session: WriterSession): Promise<Record<Topic, number>> {
  const { rows } = await session.run(lastSeqs, [topics]);
  return Object.fromEntries(rows.map(([topic, seq]) => [topic, Number(seq)])) as Record<Topic, number>;
}

/** An idle leader's heartbeat, every second. The result says what to do next, as for a batch. */
export async function sendHeartbeat(session: WriterSession, { tag }: LeaderTerm): Promise<OtherFailure | undefined> {
  try {
    const { warning } = await session.run(heartbeat, [tag, session.elapsed.send()]);
    if (warning !== undefined) return { type: 'unknown', error: new Error(warning) };
    session.elapsed.stored();
    return undefined;
  } catch (error) {
    return withoutCommand(batchFailureOf(error));
  }
}

const dueHolds: Statement = {
  name: 'due holds',
  text: `SELECT EXISTS (SELECT FROM eco.hold h WHERE h.expires_at <= (SELECT p.at FROM eco.group_position p))`,
};

/**
 * Whether reservations are due, by the group's clock. False if the query fails: the leader's next statement then
 * reports the error.
 */
export async function hasDueHolds(session: WriterSession): Promise<boolean> {
  return session.run(dueHolds).then(
    ({ rows }) => rows[0]?.[0] === true,
    () => false,
  );
}

/** Signs of the leader that a standby sees. */
export interface HolderSigns {
  /** A counter that grows with the holder's batches and heartbeats. No clock turns it back. */
  sign: string;
  /** Null: nobody holds the lock. */
  pid: number | null;
  /**
   * The holder's COMMIT waits for a replica. No standby may cut that wait short, because it would publish a commit that
   * is not replicated.
   */
  waitsForReplica: boolean;
}

export async function readHolder(session: WriterSession): Promise<HolderSigns> {
  const { rows } = await session.run(holder);
  const [sign, pid, waits] = rows[0] as [string, number | null, boolean | null];
  return { sign, pid, waitsForReplica: waits === true };
}

/** Terminates a holder's backend, unless it waits for a replica now. False: the backend is gone, or waits. */
export async function terminateHolder(session: WriterSession, pid: number): Promise<boolean> {
  return (await session.run(terminate, [pid])).rows[0]?.[0] === true;
}
