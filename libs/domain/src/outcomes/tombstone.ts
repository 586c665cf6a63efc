import type { RefusalReason } from '@eco/contracts';
import { insert, type Noun } from '../noun.js';

/** A command that must not be carried out, with the reason for its refusal. */
export interface TombstoneRow extends Tombstone {
  commandId: string;
  bucket: number;
}

export interface Tombstone {
  /** The branch that left it, which may end only what is its own, or `central`, which may end everything. */
  author: string;
  reason: RefusalReason;
}

export const tombstones = {
  keys: {},
  state: {
    /** By command id; one per author. */
    tombstones: () => new Map<string, Tombstone[]>(),
  },
  rows: { tombstones: insert<TombstoneRow>('commandId', 'author') },
} satisfies Noun;
