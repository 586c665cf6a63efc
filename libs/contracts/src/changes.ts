import { z } from 'zod';
import { groupIdSchema, timestampSchema, uuidSchema } from './primitives.js';

/**
 * Changes: what batches did, readable in order by topic at `GET /changes`. The database is the log; an event only
 * announces. So an event queue may drop messages, and a consumer that was away for a week still misses nothing.
 */
export const topicSchema = z.enum(['orders', 'stock', 'products', 'customers', 'carts']);
export type Topic = z.infer<typeof topicSchema>;
export const topics = topicSchema.options;

/** Past tense: what has happened. The data of each is described in `changeData`. */
export const changeTypeSchema = z.enum([
  'order.confirmed',
  'order.rejected',
  'order.cancelled',
  'order.fulfilled',
  'order.returned',
  'reservation.created',
  'reservation.released',
  'reservation.expired',
  'stock.changed',
  'product.created',
  'product.updated',
  'product.deleted',
  'customer.registered',
  'cart.changed',
]);
export type ChangeType = z.infer<typeof changeTypeSchema>;

export const changeSchema = z.object({
  type: changeTypeSchema,
  /** Batch that made the change. */
  seq: z.number().int(),
  /** Number within the batch and topic: (seq, n) orders a topic. */
  n: z.number().int(),
  /** Command that caused it. */
  commandId: uuidSchema,
  /** When the group decided it. */
  at: timestampSchema,
  data: z.record(z.string(), z.unknown()),
});
export type Change = z.infer<typeof changeSchema>;

const leadership = {
  group: groupIdSchema,
  term: z.number().int(),
  /** Distinguishes two leaderships with the same term number. */
  tag: z.string(),
};

/**
 * Announces the changes of a batch under one topic. `previousSeq` is the topic's previously announced batch: a consumer
 * at another batch has a gap and reads `GET /changes`. `changes` is absent if it would make the message large; the
 * event may then announce several batches.
 */
export const changeEventSchema = z.object({
  version: z.literal(1),
  ...leadership,
  topic: topicSchema,
  seq: z.number().int(),
  previousSeq: z.number().int(),
  changes: z.array(changeSchema).optional(),
});
export type ChangeEvent = z.infer<typeof changeEventSchema>;

/** Each second from the active writer: the last batch of each topic, so that a lost last event is noticed too. */
export const heartbeatSchema = z.object({
  version: z.literal(1),
  ...leadership,
  seq: z.number().int(),
  lastSeqs: z.partialRecord(topicSchema, z.number().int()),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/**
 * A reader's position in a topic: it has every change up to and including batch `seq`, or only up to change `n` of that
 * batch. As text `[<term>.<tag>.]<seq>[.<n>]`, such as `120`, `120.57` or `7.1f0c5e9a.120`.
 */
export interface ChangesCursor {
  /**
   * The leadership in whose history that is: after a failover that lost batches, it shows what was lost. Absent: the
   * current history.
   */
  readonly leadership?: { readonly term: number; readonly tag: string } | undefined;
  readonly seq: number;
  /** Absent: it has the whole batch. */
  readonly n?: number | undefined;
}

const CURSOR = /^(?:(\d{1,16})\.([0-9a-f-]{8,36})\.)?(\d{1,16})(?:\.(\d{1,9}))?$/;
const CURSOR_FORM = 'must be the next of a page, or the number of a batch';

export const changesCursorSchema = z
  .string()
  .transform((text, context): ChangesCursor => {
    const [match, term, tag, seq, n] = CURSOR.exec(text) ?? [];
    const numbers = [term, seq].filter((part) => part !== undefined).map(Number);
    if (match === undefined || !numbers.every(Number.isSafeInteger)) {
      context.addIssue(CURSOR_FORM);
      return z.NEVER;
    }
    return {
      ...(term !== undefined && tag !== undefined ? { leadership: { term: Number(term), tag } } : {}),
      seq: Number(seq),
      ...(n === undefined ? {} : { n: Number(n) }),
    };
  })
  .meta({
    description:
      'The `next` of the previous page, or the number of the batch after which to begin; 0: from the beginning',
    examples: ['7.1f0c5e9a.120'],
  });

export function formatChangesCursor({ leadership, seq, n }: ChangesCursor): string {
  return [...(leadership ? [leadership.term, leadership.tag] : []), seq, ...(n === undefined ? [] : [n])].join('.');
}

/** The last batch of which the reader has every change. */
export function lastCompleteSeq({ seq, n }: ChangesCursor): number {
  return n === undefined ? seq : seq - 1;
}

/** Response of `GET /changes`. A page has up to its limit of changes, so it may begin and end inside a batch. */
export const changesPageSchema = z.object({
  group: groupIdSchema,
  topic: topicSchema,
  changes: z.array(changeSchema),
  /**
   * All changes of the topic up to and including this batch have been returned. For a page that ends inside a batch it
   * is the batch before.
   */
  upToSeq: z.number().int(),
  /** The `after` of the next page. It points inside a batch if the page ends there. */
  next: z.string(),
  /** True: more changes exist already. */
  more: z.boolean(),
});
export type ChangesPage = z.infer<typeof changesPageSchema>;
