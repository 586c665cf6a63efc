import { z } from 'zod';
import { commandKinds, type CommandKind } from './commands.js';
import type { Changes, CommandDescriptor } from './define-command.js';
import { groupIdSchema, uuidSchema } from './primitives.js';
import { timestampSchema } from './times.js';
import { movementChange } from './stock.js';
import { topicSchema } from './topics.js';

/**
 * Changes: what batches did, readable in order by topic at `GET /changes`. The database is the log, and an event only
 * announces. An event queue may therefore drop messages: a consumer that was away for a week still misses nothing.
 */

type Typed<C> = C extends Changes
  ? { [T in keyof C & string]: { type: T; data: z.infer<C[T]> } }[keyof C & string]
  : never;

/** The change that a command of this kind publishes if it is done; `never` if the kind publishes none. */
export type ChangeOf<K extends CommandKind> = Typed<Member<(typeof commandKinds)[K], 'change'>>;
/** The change that a command of this kind publishes if it is rejected; `never` if the kind can only be refused. */
export type RejectionChangeOf<K extends CommandKind> = Typed<
  Member<Member<(typeof commandKinds)[K], 'rejection'>, 'change'>
>;
type Member<T, Name extends string> = T extends { readonly [N in Name]: infer M } ? M : never;

type AnyChange = ChangeOf<CommandKind> | RejectionChangeOf<CommandKind> | Typed<typeof movementChange>;
export type ChangeType = AnyChange['type'];
export type ChangeData<T extends ChangeType> = DataByType[T];
type DataByType = { [C in AnyChange as C['type']]: C['data'] };

/** Schemas of the member `data`, by type of change. */
export const changeData = Object.assign(
  {},
  ...Object.values<CommandDescriptor>(commandKinds).flatMap(({ change, rejection }) => [change, rejection?.change]),
  movementChange,
) as { readonly [T in ChangeType]: z.ZodType<ChangeData<T>> };
export const changeTypeSchema = z.enum(Object.keys(changeData) as ChangeType[]);

export const changeSchema = z.object({
  type: changeTypeSchema,
  /** Number of the batch that made the change. */
  seq: z.number().int(),
  /** Number within the batch and topic: (seq, n) orders a topic. */
  n: z.number().int(),
  /** Command that caused it. */
  commandId: uuidSchema,
  /** Time at which the group decided the command. */
  at: timestampSchema,
  data: z.record(z.string(), z.unknown()),
});
export type Change = z.infer<typeof changeSchema>;

/** A change as a reader receives it: its type may be one that only a newer writer knows. */
export type ReceivedChange = Omit<Change, 'type'> & { type: string };
const receivedChangesSchema = z.array(changeSchema.extend({ type: z.string() }));

const leadership = {
  group: groupIdSchema,
  term: z.number().int(),
  /** Tag that distinguishes two leaderships with the same term number. */
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
export const receivedEventSchema = changeEventSchema.extend({ changes: receivedChangesSchema.optional() });
export type ReceivedEvent = z.infer<typeof receivedEventSchema>;

/** The active writer sends this each second: the last batch of each topic, so that a lost last event is noticed too. */
export const heartbeatSchema = z.object({
  version: z.literal(1),
  ...leadership,
  seq: z.number().int(),
  lastSeqs: z.partialRecord(topicSchema, z.number().int()),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
/** A topic may be one that only a newer writer knows. */
export const receivedHeartbeatSchema = heartbeatSchema.extend({ lastSeqs: z.record(z.string(), z.number().int()) });
export type ReceivedHeartbeat = z.infer<typeof receivedHeartbeatSchema>;

/**
 * A reader's position in a topic: it has every change up to and including batch `seq`, or only up to change `n` of that
 * batch. As text `[<term>.<tag>.]<seq>[.<n>]`, such as `120`, `120.57` or `7.1f0c5e9a.120`.
 */
export interface ChangesCursor {
  /**
   * The leadership that wrote batch `seq`. After a failover that lost batches, it shows whether this batch was lost.
   * Absent: the current history.
   */
  readonly leadership?: { readonly term: number; readonly tag: string } | undefined;
  readonly seq: number;
  /** Absent: the reader has the whole batch. */
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

/**
 * Response of `GET /changes`. A page has up to its limit of changes, so it may begin and end inside a batch. It ends with
 * the last batch that no failover loses; the newest batch counts as such within a second.
 */
export const changesPageSchema = z.object({
  group: groupIdSchema,
  topic: topicSchema,
  changes: z.array(changeSchema),
  /**
   * All changes of the topic up to and including this batch have been returned. If the page ends inside a batch, this
   * is the batch before that one.
   */
  upToSeq: z.number().int(),
  /** The `after` of the next page. It points inside a batch if the page ends there. */
  next: z.string(),
  /** True: the topic already has more changes. */
  more: z.boolean(),
});
const homeEpochSchema = z.string().nullable().meta({
  description: 'Names the last restore of the database after which the branch sends its entries again; null: none',
});
/** A page for a branch. */
export const branchChangesPageSchema = changesPageSchema.extend({ homeEpoch: homeEpochSchema });
export const receivedPageSchema = changesPageSchema.extend({ changes: receivedChangesSchema });
/** The same for a branch. An older read-service states no epoch. */
export const receivedBranchPageSchema = receivedPageSchema.extend({ homeEpoch: homeEpochSchema.default(null) });
