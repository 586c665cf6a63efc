import type { Place } from './holder.js';

/** What the home knows about a holder. */
export interface HolderRecord {
  /** The incarnation that has reported last; 0: none yet. */
  readonly incarnation: number;
  /** Time of the last entry, by the home's clock, in ms; undefined: none yet. */
  readonly contactAtMs: number | undefined;
  readonly isFrozen: boolean;
}

/**
 * `next`: the first entry with its place. `new-incarnation`: in addition, it makes the earlier incarnations former.
 * `fork`: two copies of the records are in use, because the place is another entry's, or the entry is of a former
 * incarnation.
 */
export type EntryJudgement =
  | { readonly type: 'next' | 'new-incarnation' }
  | { readonly type: 'fork'; readonly why: 'place-taken' | 'former-incarnation' };

/**
 * Judges an entry that has no outcome yet. A fork is booked like every entry, because what happened at the holder has
 * happened. But a holder with a fork gets no more units until a manager has found the reason.
 */
export function judgeEntry(
  { incarnation }: Pick<HolderRecord, 'incarnation'>,
  place: Place,
  isPlaceTaken: boolean,
): EntryJudgement {
  if (isPlaceTaken) return { type: 'fork', why: 'place-taken' };
  if (place.incarnation < incarnation) return { type: 'fork', why: 'former-incarnation' };
  return { type: place.incarnation > incarnation ? 'new-incarnation' : 'next' };
}

/**
 * Why the home grants the holder nothing; undefined: it may. It would not know what a frozen holder holds, and the units
 * of a silent one would be idle.
 */
export function whyNoUnits(
  { contactAtMs, isFrozen }: HolderRecord,
  nowMs: number,
  silenceMs: number,
): 'frozen' | 'silent' | undefined {
  if (isFrozen) return 'frozen';
  return contactAtMs === undefined || nowMs - contactAtMs > silenceMs ? 'silent' : undefined;
}
