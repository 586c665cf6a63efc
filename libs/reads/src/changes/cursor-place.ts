import { lastCompleteSeq, type ChangesCursor } from '@eco/contracts';
import type { BatchPosition } from '@eco/routing';

/** A group's history as one node showed it, as far as a cursor needs it. */
export interface ShownHistory {
  readonly position: BatchPosition;
  /** First batch of the first later leadership than the cursor's; null: there is none. */
  readonly endsAt: number | null;
}

/**
 * Whether this history contains the batches that the reader has read. A leadership's batches belong to the history up
 * to the batch before the next leadership's first one. That also holds for a leadership that the history does not name,
 * because it was lost or wrote nothing: up to its beginning both histories are the same.
 */
export function isCovered(cursor: ChangesCursor, shown: ShownHistory): boolean {
  const { leadership, seq } = cursor;
  if (leadership !== undefined && leadership.term > shown.position.term) return false;
  return seq <= lastSharedSeq(shown);
}

/**
 * The place in this history at which the reader of a lost cursor continues: after the last batch that both histories
 * have.
 */
export function continuationOf(cursor: ChangesCursor, shown: ShownHistory): ChangesCursor {
  return cursorIn(shown.position, { seq: Math.min(lastCompleteSeq(cursor), lastSharedSeq(shown)) });
}

/**
 * A cursor that names the last leadership of the node that showed it. A group that has had no leadership has none to
 * name.
 */
export function cursorIn({ term, tag }: BatchPosition, { seq, n }: Pick<ChangesCursor, 'seq' | 'n'>): ChangesCursor {
  return { ...(term === 0 ? {} : { leadership: { term, tag } }), seq, n };
}

function lastSharedSeq({ position, endsAt }: ShownHistory): number {
  return Math.min(position.seq, (endsAt ?? Infinity) - 1);
}
