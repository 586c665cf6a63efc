import { EntitySchema } from 'typeorm';
import type { BatchPosition } from '@eco/routing';

/**
 * A consumer's position in a topic of a group: it has applied everything up to batch `seq`, or only up to change `n` of
 * it, in the history of that leadership.
 */
export interface TopicPosition extends BatchPosition {
  /** Null: the whole batch. */
  readonly n: number | null;
}

export const NOTHING_APPLIED: TopicPosition = { term: 0, tag: '', seq: 0, n: null };

/** The transaction that applies changes writes it, so each change is applied once. */
export interface Progress extends TopicPosition {
  readonly consumer: string;
  readonly groupId: string;
  readonly topic: string;
}

/** pg returns a bigint as text; these stay far below 2^53 (at a batch per millisecond, 285,000 years). */
const bigint = {
  type: 'bigint',
  transformer: { to: (value: unknown) => value, from: Number },
} as const;

/** The table of positions in a consumer's schema. */
export function progressOf(schema: string): EntitySchema<Progress> {
  return new EntitySchema<Progress>({
    name: `${schema}.progress`,
    schema,
    tableName: 'progress',
    columns: {
      consumer: { type: 'text', primary: true },
      groupId: { type: 'text', name: 'group_id', primary: true },
      topic: { type: 'text', primary: true },
      term: bigint,
      tag: { type: 'text' },
      seq: bigint,
      n: { type: 'integer', nullable: true },
    },
  });
}
