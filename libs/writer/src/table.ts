import type { Column } from '@eco/postgres';
import type { Statement } from './session.js';

/**
 * A statement that stores rows of one table. Parameters: $1 term, $2 tag, $3 seq, in some $4 the batch's time; then one
 * array per column, in column order.
 */
export interface Table<T> extends Statement {
  /** True: $4 is the batch's time. */
  timed?: true;
  columns: Column<T>[];
}

/**
 * The first statement of every writing transaction: it numbers the batch, or fails if the leadership is over.
 * Parameters: term, tag, ms since the group's clock was last advanced (`WriterSession.elapsed`).
 */
export const fence: Statement = { name: 'fence', text: `SELECT f.seq, f.at FROM eco.fence($1, $2, $3) f` };

/** A one-time filter: it fails the statement in any transaction other than the one that fenced the batch. */
export const WHERE_FENCED = 'WHERE eco.fenced($1::bigint, $2::text, $3::bigint)';
