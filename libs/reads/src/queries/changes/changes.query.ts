import type { Change, ChangeType } from '@eco/contracts';
import { query } from '../../query.js';

export interface ChangeRow {
  type: ChangeType;
  seq: number;
  n: number;
  command_id: string;
  at: Date;
  data: Record<string, unknown>;
  /** There are changes of the topic beyond this page. */
  more: boolean;
}

export function changeOf(row: ChangeRow): Change {
  return {
    type: row.type,
    seq: row.seq,
    n: row.n,
    commandId: row.command_id,
    at: row.at.toISOString(),
    data: row.data,
  };
}

/**
 * $1 topic, $2 the batch to begin after, $3 limit. The page ends with the batch of the limit's row and has the whole of
 * it, so no batch is ever seen in part. By the indices outcome_changes and movement_changes, in their order.
 *
 * A group's log is what its batches did, so it is not filtered by ownership: a bucket that moves away takes no past
 * with it, and a reader that is behind must not miss what was done before.
 */
export const changesQuery = query<ChangeRow>({
  name: 'changes',
  rows: `
    WITH page AS MATERIALIZED (
      SELECT max(t.seq) AS up_to
      FROM (SELECT c.seq FROM eco.change c WHERE c.topic = $1 AND c.seq > $2 ORDER BY c.seq, c.n LIMIT $3) t
    ), rest AS MATERIALIZED (
      SELECT EXISTS (SELECT FROM eco.change c WHERE c.topic = $1 AND c.seq > page.up_to) AS more FROM page
    )
    SELECT c.type, c.seq::float8 AS seq, c.n, c.command_id, c.at, c.data, rest.more
    FROM page, rest, eco.change c
    WHERE c.topic = $1 AND c.seq > $2 AND c.seq <= page.up_to
    ORDER BY c.seq, c.n`,
  order: 'r.seq, r.n',
});
