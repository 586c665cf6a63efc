import type { CommandBody, EntryKind } from '@eco/contracts';
import type { KeySets } from '../state.js';
import { insert, upsert, type Noun } from '../noun.js';

/** What the home knows of a branch that holds units. */
export interface Holder {
  branchId: string;
  /** The latest incarnation that has sent an entry. */
  incarnation: number;
  /** Highest number of its entries. */
  sequence: number;
  /** Time of the last entry, by the group's clock. */
  contactAt: string;
  /** Why the branch gets no more units. Null: it gets some. */
  frozenReason: string | null;
  /** The restore of the home after which the branch has sent its entries again. Null: none. */
  settledEpoch: string | null;
}

export interface HolderRow extends Holder {
  bucket: number;
}

/** An entry of a branch's log that was decided. Two rows of one place are a fork. */
export interface EntryRow {
  branchId: string;
  incarnation: number;
  sequence: number;
  commandId: string;
  bucket: number;
}

/** The place of an entry in the logs of all branches. */
export type Place = Pick<EntryRow, 'branchId' | 'incarnation' | 'sequence'>;

export const holders = {
  keys: {
    holderIds: 'all',
    /** Places of entries, as `placeKey` writes them. */
    places: 'all',
  },
  state: {
    /** By branch id. */
    holders: () => new Map<string, Holder>(),
    /** By `placeKey`: the commands that were decided as the entry of this place. */
    entries: () => new Map<string, readonly string[]>(),
    /** By branch: the restore after which the home waits for the branch's entries. */
    awaitedBranches: () => new Map<string, string>(),
  },
  rows: {
    entries: insert<EntryRow>('branchId', 'incarnation', 'sequence', 'commandId'),
    /** One row per branch, however many of its entries a batch contains. */
    holders: upsert<HolderRow>('branchId'),
  },
} satisfies Noun;

/** A branch id has no slash. */
export function placeKey({ branchId, incarnation, sequence }: Place): string {
  return `${branchId}/${incarnation}/${sequence}`;
}

/** Adds the keys that `Holders.note` needs. */
export function needEntry(body: CommandBody<EntryKind>, keys: KeySets): void {
  keys.holderIds.add(body.branchId);
  keys.places.add(placeKey(body));
}
