import type { Statement } from '@eco/postgres';
import type { BatchPosition } from '@eco/routing';
import type { Observation } from './nodes/group-clock.js';

/**
 * One read of one group, in one statement. The statement also returns the group's position. So position and data are
 * from the same snapshot, on any node. `Row` is the type of the rows that `rows` selects, and `Extra` that of `extra`.
 */
export interface Query<Row, Extra = unknown> {
  readonly statement: Statement;
  readonly pace?: Pace | undefined;
  /** This member is never set. It only carries the types. */
  readonly types?: { readonly row: Row; readonly extra: Extra };
}

/** `slow`: may take seconds, because it reads many rows. It runs separately from other reads and may be refused. */
export type Pace = 'slow';

export interface QueryText {
  /** Name of the query and of its prepared statement. */
  readonly name: string;
  /** A SELECT. */
  readonly rows: string;
  /** ORDER BY of the result, with columns written `r.<column>`. It is needed because a join keeps no order. */
  readonly order?: string;
  /** Columns that are returned even when there is no row; `r.found` is null then. */
  readonly extra?: string;
  readonly pace?: Pace;
}

/** A column of `rows` would hide a column of `extra` with the same name, so such a query does not compile. */
type Disjoint<Row, Extra> = [Row] extends [never]
  ? unknown
  : keyof Row & keyof Extra extends never
    ? unknown
    : { 'columns of rows and of extra': keyof Row & keyof Extra };

export function query<Row, Extra = unknown>({
  name,
  rows,
  order,
  extra,
  pace,
}: QueryText & Disjoint<Row, Extra>): Query<Row, Extra> {
  const text = `
    SELECT concat_ws(' ', s.term, s.tag, s.seq, (extract(epoch FROM s.at) * 1000)::bigint, pg_is_in_recovery()) AS state,
           ${extra === undefined ? '' : `${extra},`} r.*
    FROM eco.group_position s
    LEFT JOIN LATERAL (SELECT true AS found, q.* FROM (${rows}) q) r ON true
    ${order === undefined ? '' : `ORDER BY ${order}`}`;
  return { statement: { name, text }, pace };
}

/** The columns that `query` adds to every row. */
export interface StateRow {
  readonly state: string;
  readonly found: true | null;
}

export interface Shown extends Observation {
  readonly inRecovery: boolean;
}

/** State of the group that the node showed in that snapshot. */
export function shownBy({ state }: StateRow): Shown {
  const [term, tag = '', seq, atMs, inRecovery] = state.split(' ');
  const position: BatchPosition = { term: Number(term), tag, seq: Number(seq) };
  return { position, atMs: Number(atMs), inRecovery: inRecovery === 't' };
}
