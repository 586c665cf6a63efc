import type { SideConnection } from '@eco/postgres';

export interface GroupGauges {
  /** Open dead letters by class and site, the largest groups; groups beyond a limit are counted as class `other`. */
  deadLetters: { errorClass: string; place: string; count: number }[];
  deadLettersOpen: number;
  /**
   * Open dead letters of class `key-conflict`. The other figures exclude them, because they are mistakes of their
   * senders.
   */
  keyConflictsOpen: number;
  /** The branches that have reported, in the order of their ids. */
  branches: BranchGauges[];
  /** Transactions since the oldest snapshot in use: dead versions of hot rows accumulate behind it. */
  oldestXminAge: number;
  /** Time since a segment of the log was archived, s. Undefined: the database archives none. */
  archiveAgeS: number | undefined;
}

interface BranchGauges {
  branchId: string;
  /** Time since its last entry, s. */
  silentS: number;
  isFrozen: boolean;
  /** Units that left the branch beyond its quota and that nobody has settled. */
  discrepancy: number;
}

/** Most branches that are shown: each is three time series. */
const BRANCHES_MAX = 1_000;

/**
 * Most groups of dead letters that are shown. Each group is a time series, and anybody may have sent the content of a
 * queue.
 */
const GROUPS_MAX = 50;

/** Asks the primary, as eco_writer. Throws if it does not answer within a second. */
export async function readGauges(primary: SideConnection): Promise<GroupGauges> {
  const [row] = await primary.ask<{
    dead_letters: GroupGauges['deadLetters'];
    key_conflicts: string;
    branches: BranchGauges[];
    xmin_age: number | null;
    archive_age_s: number | null;
  }>(`
SELECT (SELECT coalesce(jsonb_agg(jsonb_build_object(
    'errorClass', l.error_class, 'place', l.place, 'count', l.count) ORDER BY l.count DESC), '[]')
   FROM (SELECT d.error_class, d.place, count(*) AS count FROM eco.dead_letter d
         WHERE d.state = 'open' AND d.error_class <> 'key-conflict' GROUP BY d.error_class, d.place) l) AS dead_letters,
  (SELECT count(*) FROM eco.dead_letter d WHERE d.state = 'open' AND d.error_class = 'key-conflict') AS key_conflicts,
  (SELECT coalesce(jsonb_agg(jsonb_build_object('branchId', h.branch_id, 'silentS', h.silent_s, 'isFrozen', h.is_frozen,
     'discrepancy', h.discrepancy) ORDER BY h.branch_id), '[]')
   FROM (SELECT b.branch_id, extract(epoch FROM p.at - b.contact_at) AS silent_s, b.frozen_reason IS NOT NULL AS is_frozen,
           coalesce((SELECT sum(l.on_hand) FROM eco.stock_level l
             WHERE l.location LIKE '%/discrepancy' AND l.location = b.branch_id || '/discrepancy'), 0) AS discrepancy
         FROM eco.holder b CROSS JOIN eco.group_position p ORDER BY b.branch_id LIMIT ${BRANCHES_MAX}) h) AS branches,
  eco_guard.oldest_xmin_age() AS xmin_age,
  (SELECT extract(epoch FROM clock_timestamp() - coalesce(a.last_archived_time, a.stats_reset, pg_postmaster_start_time()))::float8
   FROM pg_stat_archiver a WHERE current_setting('archive_mode') <> 'off') AS archive_age_s`);
  const groups = row?.dead_letters ?? [];
  const beyond = sum(groups.slice(GROUPS_MAX));
  return {
    deadLetters: [
      ...groups.slice(0, GROUPS_MAX),
      ...(beyond > 0 ? [{ errorClass: 'other', place: 'many places', count: beyond }] : []),
    ],
    deadLettersOpen: sum(groups),
    keyConflictsOpen: Number(row?.key_conflicts ?? 0),
    branches: row?.branches ?? [],
    oldestXminAge: row?.xmin_age ?? 0,
    archiveAgeS: row?.archive_age_s ?? undefined,
  };
}

function sum(groups: GroupGauges['deadLetters']): number {
  return groups.reduce((total, { count }) => total + count, 0);
}

/** Differences between clocks, s. */
export interface Clocks {
  /**
   * Time by which the group's clock is ahead of the primary's clock, s. It is ahead if the primary's clock was set
   * back. An idle group's clock is up to one heartbeat behind.
   */
  groupAheadS: number;
  /** Time by which the primary's clock is ahead of this process's clock, s. */
  primaryAheadS: number;
}

/** Asks the primary, as eco_writer. */
export async function readClocks(primary: SideConnection, deadlineMs?: number): Promise<Clocks> {
  const [row] = await primary.ask<{ ahead_s: number; clock_s: number }>(
    `
SELECT extract(epoch FROM p.at - c.clock)::float8 AS ahead_s, extract(epoch FROM c.clock)::float8 AS clock_s
FROM eco.group_position p, eco.clock() AS c (clock)`,
    [],
    deadlineMs,
  );
  if (row === undefined) throw new Error('this database has not been prepared for a group');
  return { groupAheadS: row.ahead_s, primaryAheadS: row.clock_s - Date.now() / 1000 };
}
