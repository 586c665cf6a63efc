import { z } from 'zod';
import { groupIdSchema, timestampSchema, uuidSchema } from './primitives.js';

/**
 * Changes: what batches did, readable in order by topic at `GET /changes`. The log is the database; an event only
 * announces. So an event queue may drop, and a consumer that was away for a week still misses nothing.
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
  /** Batch that did it. */
  seq: z.number().int(),
  /** Place within the batch and topic: (seq, n) orders a topic. */
  n: z.number().int(),
  /** Command that caused it. */
  commandId: uuidSchema,
  /** When the group decided it. */
  at: timestampSchema,
  data: z.record(z.string(), z.unknown()),
});
export type Change = z.infer<typeof changeSchema>;

const reign = {
  group: groupIdSchema,
  term: z.number().int(),
  /** Tells two reigns of one number apart. */
  tag: z.string(),
};

/**
 * Announces the changes of a batch under one topic. `previousSeq` is the topic's batch that was announced before it: a
 * consumer that stands elsewhere has a gap and reads `GET /changes`. `changes` is absent when it would make the message
 * large; then it may speak for several batches.
 */
export const changeEventSchema = z.object({
  version: z.literal(1),
  ...reign,
  topic: topicSchema,
  seq: z.number().int(),
  previousSeq: z.number().int(),
  changes: z.array(changeSchema).optional(),
});
export type ChangeEvent = z.infer<typeof changeEventSchema>;

/** Each second from the active writer: the last batch of each topic, so that a lost last event is noticed too. */
export const beatSchema = z.object({
  version: z.literal(1),
  ...reign,
  seq: z.number().int(),
  lastSeqs: z.partialRecord(topicSchema, z.number().int()),
});
export type Beat = z.infer<typeof beatSchema>;

/** Answer of `GET /changes`: whole batches in order, never part of one. */
export const changesPageSchema = z.object({
  group: groupIdSchema,
  topic: topicSchema,
  changes: z.array(changeSchema),
  /** All changes of the topic up to and with this batch have been given; ask for what is `after` it next. */
  upToSeq: z.number().int(),
  /** True: there is more already. */
  more: z.boolean(),
});
export type ChangesPage = z.infer<typeof changesPageSchema>;
