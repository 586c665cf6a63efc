import type { Change, ChangeType, Topic } from '@eco/contracts';
import { query, type Query } from '../query.js';

/*
 * A page begins after a (seq, n). It reads one row more than it shows, which is the first row of the next page. A batch
 * may have 200,000 changes, so pages do not consist of whole batches.
 *
 * A group's log is what its batches did, so it is not filtered by ownership. When a bucket moves away its past stays,
 * and a late reader must not miss it.
 *
 * The SQL is written out instead of using the view eco.change: under its UNION ALL the planner finds no order and sorts
 * the whole log (200,000 changes: 8 s instead of 2 ms).
 */

export interface ChangeRow {
  type: ChangeType;
  seq: number;
  n: number;
  command_id: string;
  at: Date;
  data: Record<string, unknown>;
  /** Number of the change in the page that was read, from 1. Absent: no change of the page was left out. */
  place?: number;
  /** False: the change is returned only to show where the page ends. */
  concerns?: boolean;
}

/** The history in which the page was read. */
export interface HistoryRow {
  /** First batch of the first leadership after the cursor's; null if there is no later one. */
  ends_at: number | null;
  /** The group's clock, ms since 1970. */
  at_ms: number;
  /** The last batch that no failover loses. */
  confirmed_seq: number;
  /** Of a branch's page: the last restore after which the branch is awaited. */
  home_epoch?: string | null;
}

/** A number larger than that of any change in a batch. */
export const WHOLE_BATCH = 2 ** 31 - 1;

const historyOf = (term: string, tag: string) => `
    (SELECT t.first_seq::float8 FROM eco.group_term t
     WHERE t.term >= ${term}::bigint AND (t.term, t.tag) <> (${term}::bigint, ${tag}::text)
     ORDER BY t.term LIMIT 1) AS ends_at,
    (extract(epoch FROM s.at) * 1000)::float8 AS at_ms,
    s.confirmed_seq::float8 AS confirmed_seq`;

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
 * $1 topic, $2 and $3 the (seq, n) to begin after, $4 limit, $5 and $6 the cursor's leadership or null. Uses the index
 * outcome_changes; an order's lines are in its row.
 */
const outcomeChanges = query<ChangeRow, HistoryRow>({
  name: 'changes-of-outcomes',
  rows: `
    SELECT u.change_type AS type, u.seq::float8 AS seq, u.n, u.command_id, u.decided_at AS at,
           coalesce(u.change_data, eco.order_result(o) || jsonb_build_object(
             'customerId', o.customer_id, 'branchId', o.branch_id)) AS data
    FROM (
      SELECT u.* FROM eco.outcome u WHERE u.topic = $1 AND (u.seq, u.n) > ($2::bigint, $3::integer)
      ORDER BY u.seq, u.n LIMIT $4
    ) u
    LEFT JOIN eco.orders o ON u.change_data IS NULL AND o.order_id = u.command_id`,
  order: 'r.seq, r.n',
  extra: historyOf('$5', '$6'),
});

/**
 * The changes of a page that concern a branch, $7. The last row and the first one of the next page are returned without
 * data if they are of others, because they show where the page ends. The catalogue concerns every branch. Not for the
 * topic stock.
 */
export const changesOfBranchQuery = query<ChangeRow, HistoryRow>({
  name: 'changes-of-branch',
  rows: `
    SELECT c.type, c.seq, c.n, c.command_id, c.at, c.place, c.concerns,
           CASE WHEN NOT c.concerns THEN NULL
             ELSE coalesce(c.change_data, eco.order_result(o) || jsonb_build_object(
               'customerId', o.customer_id, 'branchId', o.branch_id)) END AS data
    FROM (
      SELECT u.change_type AS type, u.seq::float8 AS seq, u.n, u.command_id, u.decided_at AS at, u.change_data,
             row_number() OVER (ORDER BY u.seq, u.n)::integer AS place,
             coalesce(CASE WHEN $1 = 'products' THEN true
               WHEN u.change_data IS NULL THEN (
                 SELECT o.branch_id FROM eco.orders o WHERE o.order_id = u.command_id) = $7
               ELSE u.change_data ->> 'branchId' = $7 END, false) AS concerns
      FROM (
        SELECT u.* FROM eco.outcome u WHERE u.topic = $1 AND (u.seq, u.n) > ($2::bigint, $3::integer)
        ORDER BY u.seq, u.n LIMIT $4
      ) u
    ) c
    LEFT JOIN eco.orders o ON c.concerns AND c.change_data IS NULL AND o.order_id = c.command_id
    WHERE c.concerns OR c.place >= $4 - 1`,
  order: 'r.seq, r.n',
  extra: `${historyOf('$5', '$6')},
    (SELECT a.epoch FROM eco.awaited_branch a WHERE a.branch_id = $7) AS home_epoch`,
});

/** The same for the topic stock: $1 is ignored. Uses the index movement_changes. */
const movementChanges = query<ChangeRow, HistoryRow>({
  name: 'changes-of-movements',
  rows: `
    SELECT 'stock.changed' AS type, m.seq::float8 AS seq, m.n, m.command_id, m.at,
           jsonb_build_object(
             'productId', m.product_id, 'location', m.location, 'sequence', m.sequence, 'movement', m.movement,
             'onHandDelta', m.on_hand_delta, 'reservedDelta', m.reserved_delta,
             'onHand', m.on_hand, 'reserved', m.reserved) AS data
    FROM (
      SELECT m.* FROM eco.movement m WHERE $1::text IS NOT NULL AND (m.seq, m.n) > ($2::bigint, $3::integer)
      ORDER BY m.seq, m.n LIMIT $4
    ) m`,
  order: 'r.seq, r.n',
  extra: historyOf('$5', '$6'),
});

/** $1 and $2 the cursor's leadership or null. */
export const historyQuery = query<never, HistoryRow>({
  name: 'history',
  rows: 'SELECT WHERE false',
  extra: historyOf('$1', '$2'),
});

export function changesQuery(topic: Topic): Query<ChangeRow, HistoryRow> {
  return topic === 'stock' ? movementChanges : outcomeChanges;
}
