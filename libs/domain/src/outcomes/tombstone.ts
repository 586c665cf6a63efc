import type { RefusalReason } from '@eco/contracts';
import { insert, type Noun } from '../noun.js';

/** A command that must not be carried out, with the reason for its refusal. */
export interface TombstoneRow {
  commandId: string;
  bucket: number;
  reason: RefusalReason;
}

export const tombstones = {
  keys: {},
  state: {
    /** Reasons by command id. */
    tombstones: () => new Map<string, RefusalReason>(),
  },
  rows: { tombstones: insert<TombstoneRow>('commandId') },
} satisfies Noun;
