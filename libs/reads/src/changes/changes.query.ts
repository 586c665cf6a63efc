import type { Change, ChangeType, Topic } from '@eco/contracts';
import { MOVEMENTS_OF_ROW } from '../movements.js';
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

/** The history of a group, as a node shows it. */
export interface HistoryRow {
  /** First batch of the first leadership after the cursor's; null if there is no later one. */
  ends_at: number | null;
  /** The group's clock, ms since 1970. */
  at_ms: number;
}

/** The history in which a page was read. */
export interface PageRow extends HistoryRow {
  /** The last batch that no failover loses. No page has changes after it. */
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
    (extract(epoch FROM s.at) * 1000)::float8 AS at_ms`;

/*
 * The first values of every page: $1 topic, $2 and $3 the (seq, n) to begin after, $4 most rows to read, $5 and $6 the
 * cursor's leadership or null, $7 to $9 the batch that an event has announced or null.
 */
const BEGIN = '($2::bigint, $3::integer)';

/** A batch is confirmed if the group's row says so, or if its writer has announced it. */
const CONFIRMED = `
  CASE WHEN (s.term, s.tag) = ($7::bigint, $8::text) THEN greatest(s.confirmed_seq, least($9::bigint, s.seq))
    ELSE s.confirmed_seq END`;

const HISTORY_OF_PAGE = `${historyOf('$5', '$6')}, (${CONFIRMED})::float8 AS confirmed_seq`;

/**
 * The outcomes of a page, by the indexes outcome_changes and orders_changes. Columns of an order are null unless the change
 * is stored in its row.
 */
const OUTCOMES_OF_PAGE = `
  SELECT e.* FROM (
    SELECT u.seq, u.n, u.command_id, u.decided_at, u.change_type, u.change_data,
           o.customer_id, o.branch_id, o.total_cents, o.lines, o.short, o.unknown_products
    FROM (
      SELECT u.* FROM eco.outcome_row u WHERE u.topic = $1 AND (u.seq, u.n) > ${BEGIN} AND u.seq <= ${CONFIRMED}
      ORDER BY u.seq, u.n LIMIT $4
    ) u
    LEFT JOIN LATERAL (
      SELECT v.* FROM eco.orders v WHERE u.change_data IS NULL AND v.order_id = u.command_id LIMIT 1
    ) o ON true
    UNION ALL
    (SELECT o.decided_seq, o.n, o.order_id, o.decided_at,
            CASE o.status WHEN 'rejected' THEN 'order.rejected' ELSE 'order.confirmed' END, NULL,
            o.customer_id, o.branch_id, o.total_cents, o.lines, o.short, o.unknown_products
     FROM eco.orders o
     WHERE $1 = 'orders' AND (o.decided_seq, o.n) > ${BEGIN} AND o.decided_seq <= ${CONFIRMED}
     ORDER BY o.decided_seq, o.n LIMIT $4)
  ) e
  ORDER BY e.seq, e.n LIMIT $4`;

/** Data of a change `p` of a page. */
const DATA = `
  CASE
    WHEN p.change_data IS NOT NULL THEN p.change_data::json
    WHEN p.change_type = 'order.rejected' THEN json_build_object(
      'orderId', p.command_id, 'status', 'rejected', 'customerId', p.customer_id, 'branchId', p.branch_id,
      'short', p.short, 'unknownProducts', p.unknown_products)
    ELSE json_build_object(
      'orderId', p.command_id, 'status', 'confirmed', 'customerId', p.customer_id, 'branchId', p.branch_id,
      'lines', p.lines, 'totalCents', p.total_cents)
  END`;

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

const outcomeChanges = query<ChangeRow, PageRow>({
  name: 'changes-of-outcomes',
  rows: `
    SELECT p.change_type AS type, p.seq::float8 AS seq, p.n, p.command_id, p.decided_at AS at, ${DATA} AS data
    FROM (${OUTCOMES_OF_PAGE}) p`,
  order: 'r.seq, r.n',
  extra: HISTORY_OF_PAGE,
});

/**
 * The changes of a page that concern a branch, $10. The last row and the first one of the next page are returned without
 * data if they are of others, because they show where the page ends. The catalogue concerns every branch. Not for the
 * topic stock.
 */
export const changesOfBranchQuery = query<ChangeRow, PageRow>({
  name: 'changes-of-branch',
  rows: `
    SELECT p.change_type AS type, p.seq::float8 AS seq, p.n, p.command_id, p.decided_at AS at, p.place, p.concerns,
           CASE WHEN p.concerns THEN ${DATA} END AS data
    FROM (
      SELECT p.*, row_number() OVER (ORDER BY p.seq, p.n)::integer AS place,
             coalesce($1 = 'products' OR coalesce(p.change_data ->> 'branchId', p.branch_id) = $10, false) AS concerns
      FROM (${OUTCOMES_OF_PAGE}) p
    ) p
    WHERE p.concerns OR p.place >= $4 - 1`,
  order: 'r.seq, r.n',
  extra: `${HISTORY_OF_PAGE},
    (SELECT a.epoch FROM eco.awaited_branch a WHERE a.branch_id = $10) AS home_epoch`,
});

/**
 * The same for the topic stock: $1 is ignored. Uses the index movement_changes. A row has the movements of a level with
 * consecutive numbers, so rows in the order of their last numbers have all movements in order.
 */
const movementChanges = query<ChangeRow, PageRow>({
  name: 'changes-of-movements',
  rows: `
    SELECT 'stock.changed' AS type, m.seq::float8 AS seq, m.n - c.back::integer AS n, c.command_id, m.at,
           json_build_object(
             'productId', m.product_id, 'location', m.location, 'sequence', m.sequence - c.back, 'movement', c.movement,
             'onHandDelta', c.on_hand_delta, 'reservedDelta', c.reserved_delta,
             'onHand', c.on_hand, 'reserved', c.reserved) AS data
    FROM (
      SELECT m.* FROM eco.movement_row m
      WHERE $1::text IS NOT NULL AND (m.seq, m.n) > ${BEGIN} AND m.seq <= ${CONFIRMED}
      ORDER BY m.seq, m.n LIMIT $4
    ) m
    CROSS JOIN LATERAL (${MOVEMENTS_OF_ROW}) c
    WHERE (m.seq, m.n - c.back) > ${BEGIN}
    ORDER BY m.seq, m.n, c.back DESC LIMIT $4`,
  order: 'r.seq, r.n',
  extra: HISTORY_OF_PAGE,
});

/** $1 and $2 the cursor's leadership or null. */
export const historyQuery = query<never, HistoryRow>({
  name: 'history',
  rows: 'SELECT WHERE false',
  extra: historyOf('$1', '$2'),
});

export function changesQuery(topic: Topic): Query<ChangeRow, PageRow> {
  return topic === 'stock' ? movementChanges : outcomeChanges;
}

/** The one row of a summary. */
export interface SummaryRow<Row> {
  /** Number of changes that it summarizes. */
  changes: number;
  /** The last of them; null: there are none. */
  last_seq: number | null;
  last_n: number | null;
  /** Batch of the first change of the next page; null: there is none. */
  following_seq: number | null;
  summary: Row[] | null;
}

/** What a query makes of a page of changes. The node that has the changes computes it. */
export type Summary<Row> = Query<SummaryRow<Row>, PageRow>;

/**
 * `rows` selects from `page`, which has the outcomes of a page, and of an order's own change the columns of the order. A
 * value of the result is as JSON shows it. Not for the topic stock.
 */
export function summary<Row>({ name, rows }: { readonly name: string; readonly rows: string }): Summary<Row> {
  return query<SummaryRow<Row>, PageRow>({
    name,
    rows: `
    WITH found AS MATERIALIZED (${OUTCOMES_OF_PAGE}),
    page AS MATERIALIZED (SELECT f.* FROM found f ORDER BY f.seq, f.n LIMIT $4::bigint - 1)
    SELECT (SELECT count(*) FROM page)::integer AS changes, l.seq::float8 AS last_seq, l.n AS last_n,
           (SELECT CASE WHEN count(*) = $4::bigint THEN max(f.seq) END FROM found f)::float8 AS following_seq,
           (SELECT json_agg(c) FROM (${rows}) c) AS summary
    FROM (SELECT) one LEFT JOIN (SELECT p.seq, p.n FROM page p ORDER BY p.seq DESC, p.n DESC LIMIT 1) l ON true`,
    extra: HISTORY_OF_PAGE,
  });
}
