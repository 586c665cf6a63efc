import { randomBytes } from 'node:crypto';
import { topics, type Topic } from '@eco/contracts';
import { faultOf, type Fault } from './fault.js';
import type { Statement, WriterSession } from './session.js';

/**
 * Who may write. A session that has the advisory lock raises the term, and from then on its fence is the only one that
 * passes. The lock is polled, never waited for: a session that waits in the lock holds a snapshot that holds back
 * vacuum (a batch took 20 → 87 ms within 400 batches).
 */
export interface Reign {
  group: string;
  term: number;
  /** Random: tells two reigns of one number apart, which a failover that lost the first can make. */
  tag: string;
  /** The group's last batch when it began. */
  seq: number;
  /** Fixed number of buckets of the chain. */
  buckets: number;
}

/** Advisory locks are a database's own, so one number will do for all groups. */
const LOCK = 0x0ec0;

const tryLock: Statement = { name: 'try lock', text: `SELECT pg_try_advisory_lock(${LOCK})` };

const raise: Statement = {
  name: 'raise term',
  text: `
WITH raised AS (
  UPDATE eco.group_state s
  SET term = s.term + 1, tag = $1, at = greatest(s.at, date_trunc('milliseconds', clock_timestamp()))
  RETURNING s.group_id, s.term, s.tag, s.seq
), kept AS (
  INSERT INTO eco.group_term (term, tag, first_seq) SELECT r.term, r.tag, r.seq + 1 FROM raised r
)
SELECT r.group_id, r.term, r.tag, r.seq, (SELECT s.value FROM eco.setting s WHERE s.name = 'buckets') FROM raised r`,
};

const touch: Statement = { name: 'touch', text: 'SELECT eco.touch($1, $2)' };

const lastSeqs: Statement = {
  name: 'last seqs',
  text: `
SELECT t.topic, coalesce(CASE t.topic
  WHEN 'stock' THEN (SELECT max(m.seq) FROM eco.movement m)
  ELSE (SELECT max(u.seq) FROM eco.outcome u WHERE u.topic = t.topic)
END, 0)
FROM unnest($1::text[]) AS t(topic)`,
};

const holder: Statement = {
  name: 'holder',
  text: `
SELECT s.term, s.seq, s.at, l.pid, a.wait_event = 'SyncRep'
FROM eco.group_state s
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

/** Takes the lock if nobody has it. Never waits. */
export async function tryToLead(session: WriterSession): Promise<boolean> {
  return (await session.run(tryLock)).rows[0]?.[0] === true;
}

/**
 * Begins a reign; the session must have the lock. Throws when it is not certain that a replica has the new term too:
 * then close the session and begin again.
 */
export async function beginReign(session: WriterSession): Promise<Reign> {
  const noticesBefore = session.notices.length;
  const { rows } = await session.run(raise, [randomBytes(4).toString('hex')]);
  const notice = session.notices[noticesBefore];
  if (notice !== undefined) throw new Error(`the new term is not certain: ${notice}`);
  const [group, term, tag, seq, buckets] = rows[0] as string[];
  if (buckets === undefined) throw new Error('this database has not been prepared for a group');
  return { group: group as string, term: Number(term), tag: tag as string, seq: Number(seq), buckets: Number(buckets) };
}

/** The last batch that changed something under each topic; 0: none yet. Nothing but this reign may add to them. */
export async function readLastSeqs(session: WriterSession): Promise<Record<Topic, number>> {
  const { rows } = await session.run(lastSeqs, [topics]);
  return Object.fromEntries(rows.map(([topic, seq]) => [topic, Number(seq)])) as Record<Topic, number>;
}

/** An idle writer's sign of life, each second. A fault says what to do, as for a batch. */
export async function touchReign(session: WriterSession, { term, tag }: Reign): Promise<Fault | undefined> {
  const noticesBefore = session.notices.length;
  try {
    await session.run(touch, [term, tag]);
  } catch (error) {
    return faultOf(error);
  }
  const notice = session.notices[noticesBefore];
  return notice === undefined ? undefined : { type: 'unknown', error: new Error(notice) };
}

const dueHolds: Statement = {
  name: 'due holds',
  text: `SELECT EXISTS (SELECT FROM eco.hold h WHERE h.expires_at <= clock_timestamp())`,
};

/** Whether an idle writer has anything to end. False also when it can't be asked: what it does next tells why. */
export async function hasDueHolds(session: WriterSession): Promise<boolean> {
  return session.run(dueHolds).then(
    ({ rows }) => rows[0]?.[0] === true,
    () => false,
  );
}

/** What a standby sees of who reigns. */
export interface HolderSigns {
  /** Changes whenever the holder lives: its batches and touches move it. */
  sign: string;
  /** Null: nobody holds the lock. */
  pid: number | null;
  /** Waits for a replica, which no standby may cut short: that would publish a commit that is not replicated. */
  waitsForReplica: boolean;
}

export async function readHolder(session: WriterSession): Promise<HolderSigns> {
  const { rows } = await session.run(holder);
  const [term, seq, at, pid, waits] = rows[0] as [string, string, Date, number | null, boolean | null];
  return { sign: `${term} ${seq} ${at.getTime()}`, pid, waitsForReplica: waits === true };
}

/** Ends a holder's backend, unless it waits for a replica by now. False: it was not there any more, or waits. */
export async function terminateHolder(session: WriterSession, pid: number): Promise<boolean> {
  return (await session.run(terminate, [pid])).rows[0]?.[0] === true;
}
