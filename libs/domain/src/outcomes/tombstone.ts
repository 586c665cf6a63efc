import type { RefusalReason } from '@eco/contracts';
import { insert, type Noun } from '../noun.js';

/** A command that must not be carried out, with the reason for its refusal. */
export interface TombstoneRow extends Tombstone {
  commandId: string;
  bucket: number;
}

export interface Tombstone {
  /**
   * Owner of the command that left the tombstone. A branch's tombstone binds only the commands of that branch. One of
   * `central` binds all.
   */
  author: string;
  reason: RefusalReason;
}

export const tombstones = {
  keys: {},
  state: {
    /** Tombstones by command id, one for each author. */
    tombstones: () => new Map<string, Tombstone[]>(),
  },
  rows: { tombstones: insert<TombstoneRow>('commandId', 'author') },
} satisfies Noun;
