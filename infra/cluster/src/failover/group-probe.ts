import { isFromRunningServer, PRIMARY_TIMELINE } from '@eco/postgres';
import type { Superuser } from '../failover.js';

/** What a node says about itself. */
export type NodeSign =
  | { readonly type: 'primary'; readonly timeline: number; readonly streamsTo: readonly string[] }
  | { readonly type: 'replica'; readonly follows: number | undefined }
  /** It runs and answered with an error, such as a refused log-in. */
  | { readonly type: 'refuses'; readonly error: Error }
  | { readonly type: 'silent'; readonly error: Error };

/**
 * Asks all nodes of a group at once. Each answers within the deadline or is silent. The probes keep the superuser logged
 * in, so that a failover needs no log-in.
 */
export async function probe(nodes: readonly Superuser[], deadlineMs: number): Promise<ReadonlyMap<string, NodeSign>> {
  const signs = nodes.map(async (at): Promise<[string, NodeSign]> => {
    const { name } = at.node;
    try {
      const [row] = await at.ask<Row>(SIGNS, [], deadlineMs);
      if (row === undefined) throw new Error(`${name} gave no answer`);
      const { timeline, streams_to: streamsTo, follows } = row;
      if (timeline !== null) return [name, { type: 'primary', timeline, streamsTo }];
      return [name, { type: 'replica', follows: follows ?? undefined }];
    } catch (error) {
      return [name, { type: isFromRunningServer(error) ? 'refuses' : 'silent', error: error as Error }];
    }
  });
  return new Map(await Promise.all(signs));
}

interface Row extends Record<string, unknown> {
  /** Null on a replica. */
  timeline: number | null;
  streams_to: string[];
  /** The timeline that it streams; null if it does not. */
  follows: number | null;
}

const SIGNS = `
SELECT CASE WHEN NOT pg_is_in_recovery() THEN ${PRIMARY_TIMELINE} END AS timeline,
       ARRAY(SELECT r.application_name FROM pg_stat_replication r WHERE r.state = 'streaming') AS streams_to,
       (SELECT w.received_tli FROM pg_stat_wal_receiver w WHERE w.status = 'streaming') AS follows`;
