import type { Statement } from '@eco/postgres';

/**
 * The first statement of every writing transaction: it numbers the batch, or fails if the leadership is over.
 * Parameters: term, tag, ms since the group's clock was last advanced (`WriterSession.elapsed`).
 */
export const fence: Statement = {
  name: 'fence',
  text: `SELECT f.seq, f.at, eco_guard.note_position($1::bigint, $2::text, f.seq) FROM eco.fence($1, $2, $3) f`,
};
