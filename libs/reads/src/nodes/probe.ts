import type { SideConnection } from '@eco/database';
import type { GroupTerm, TermPosition } from '@eco/routing';
import type { Observation } from './group-clock.js';

/** What a node says of itself, all of one snapshot. */
export interface Probe extends Observation {
  readonly inRecovery: boolean;
  /** Of the WAL that it writes; undefined on a replica. */
  readonly timeline: number | undefined;
  readonly terms: readonly GroupTerm[];
  /** BUCKETS of the cluster. */
  readonly buckets: number;
  readonly ownedBuckets: readonly number[];
}

interface ProbeRow {
  group_id: string;
  in_recovery: boolean;
  timeline: number | null;
  term: number;
  tag: string;
  seq: number;
  at_ms: number;
  terms: GroupTerm[];
  buckets: number;
  owned_buckets: number[];
}

// pg_current_wal_lsn() throws on a replica. The timeline is in the name of the file that is being written:
// pg_control_checkpoint() shows the old one until the first checkpoint after a promotion.
const PROBE = `
  SELECT s.group_id, r.in_recovery,
         CASE WHEN NOT r.in_recovery
           THEN ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer END AS timeline,
         s.term::float8 AS term, s.tag, s.seq::float8 AS seq, (extract(epoch FROM s.at) * 1000)::float8 AS at_ms,
         (SELECT coalesce(jsonb_agg(jsonb_build_object('term', t.term, 'tag', t.tag, 'firstSeq', t.first_seq)), '[]')
          FROM eco.group_term t) AS terms,
         (SELECT g.value::integer FROM eco.setting g WHERE g.name = 'buckets') AS buckets,
         (SELECT coalesce(jsonb_agg(b.bucket), '[]')
          FROM eco.bucket_ownership b WHERE b.state = 'owned') AS owned_buckets
  FROM eco.group_state s, (SELECT pg_is_in_recovery() AS in_recovery) r`;

/** Throws when the node does not answer by the deadline, or answers for another group. */
export async function probe(connection: SideConnection, group: string, deadlineMs: number): Promise<Probe> {
  const [row] = await connection.ask<ProbeRow>(PROBE, [], deadlineMs);
  if (row === undefined) throw new Error('its group has no state yet');
  if (row.group_id !== group) throw new Error(`it holds group ${row.group_id}, not ${group}`);
  const position: TermPosition = { term: row.term, tag: row.tag, seq: row.seq };
  return {
    inRecovery: row.in_recovery,
    timeline: row.timeline ?? undefined,
    position,
    atMs: row.at_ms,
    terms: row.terms,
    buckets: row.buckets,
    ownedBuckets: row.owned_buckets,
  };
}
