import { PRIMARY_TIMELINE, type SideConnection } from '@eco/postgres';
import type { GroupTerm, BatchPosition } from '@eco/routing';
import type { Observation } from './group-clock.js';

/** A node's report about itself, from one snapshot. */
export interface Probe extends Observation {
  readonly inRecovery: boolean;
  /** Timeline of the WAL that it writes; undefined on a replica. */
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

const PROBE = `
  SELECT s.group_id, r.in_recovery,
         CASE WHEN NOT r.in_recovery THEN ${PRIMARY_TIMELINE} END AS timeline,
         s.term::float8 AS term, s.tag, s.seq::float8 AS seq, (extract(epoch FROM s.at) * 1000)::float8 AS at_ms,
         (SELECT coalesce(jsonb_agg(
            jsonb_build_object('term', t.term, 'tag', t.tag, 'firstSeq', t.first_seq) ORDER BY t.term), '[]')
          FROM eco.group_term t WHERE t.term >= $1) AS terms,
         (SELECT g.value::integer FROM eco.setting g WHERE g.name = 'buckets') AS buckets,
         (SELECT coalesce(jsonb_agg(b.bucket), '[]')
          FROM eco.bucket_ownership b WHERE b.state = 'owned') AS owned_buckets
  FROM eco.group_position s, (SELECT pg_is_in_recovery() AS in_recovery) r`;

/**
 * `known`: the node's terms of the previous probe, ascending; only newer ones are queried. Throws if the node does not
 * answer by the deadline, or answers for another group.
 */
export async function probe(
  connection: SideConnection,
  group: string,
  known: readonly GroupTerm[],
  deadlineMs: number,
): Promise<Probe> {
  const last = known.at(-1);
  const [row] = await connection.ask<ProbeRow>(PROBE, [last?.term ?? 0], deadlineMs);
  if (row === undefined) throw new Error('its group has no state yet');
  if (row.group_id !== group) throw new Error(`it holds group ${row.group_id}, not ${group}`);
  const terms = continued(known, row.terms);
  // The node's history has changed, because a failover lost batches or because the node was copied again.
  if (terms === undefined) return probe(connection, group, [], deadlineMs);
  const position: BatchPosition = { term: row.term, tag: row.tag, seq: row.seq };
  return {
    inRecovery: row.in_recovery,
    timeline: row.timeline ?? undefined,
    position,
    atMs: row.at_ms,
    terms,
    buckets: row.buckets,
    ownedBuckets: row.owned_buckets,
  };
}

/**
 * Merges known and newer terms. A tag is drawn once: if `newer` begins with the last known term, that term and all
 * before it are still in the node's history. Undefined: they are not.
 */
export function continued(known: readonly GroupTerm[], newer: readonly GroupTerm[]): readonly GroupTerm[] | undefined {
  const last = known.at(-1);
  if (last === undefined) return newer;
  const [first, ...others] = newer;
  if (first?.term !== last.term || first.tag !== last.tag) return undefined;
  return others.length === 0 ? known : [...known, ...others];
}
