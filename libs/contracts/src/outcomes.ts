import { z } from 'zod';
import { commandKinds, type CommandKind } from './commands.js';
import type { CommandDescriptor, Refusal } from './define-command.js';
import { uuidSchema } from './primitives.js';
import { stampSchema, type Stamp } from './stamp.js';

/**
 * Outcomes: the decision about a command, stored permanently under its id. In order of precedence: (1) an outcome
 * exists already: the same body gets it again, another body is a key conflict; (2) `expired`: it arrived after its
 * `notAfter`; (3) `refused`: a cancel or release of its id arrived first, or the rules of its kind refuse it; (4)
 * `done`. `discarded` is written for a dead letter by an operator.
 */
export const outcomeStatusSchema = z.enum(['done', 'refused', 'expired', 'discarded']);
export type OutcomeStatus = z.infer<typeof outcomeStatusSchema>;

/** The result if a command is done. */
export type DoneResult<K extends CommandKind> = z.infer<(typeof commandKinds)[K]['result']>;

/** Reasons for which a command of this kind may be refused. */
export type RefusalReason<K extends CommandKind = CommandKind> = ReasonsByKind[K];
type ReasonsByKind = { [K in CommandKind]: keyof (typeof commandKinds)[K]['refusals'] };

export function reasonsOf<K extends CommandKind>(kind: K): RefusalReason<K>[] {
  return Object.keys(commandKinds[kind].refusals) as RefusalReason<K>[];
}

/** Each reason of a refusal, with its problem type. */
export const refusals = Object.assign(
  {},
  ...Object.values<CommandDescriptor>(commandKinds).map((command) => command.refusals),
) as Readonly<Record<RefusalReason, Refusal>>;

/**
 * The reason of a refusal, for programs. People get the title of the problem type. Further members are the details of
 * the reason.
 */
export const refusalSchema = z.looseObject({ reason: z.enum(Object.keys(refusals) as RefusalReason[]) });

type DetailsIn<Table, R extends string> = Table extends { readonly [Each in R]: infer Entry }
  ? Entry extends { readonly details: infer Details extends z.ZodObject }
    ? z.infer<Details>
    : object
  : never;
export type RefusalDetails<R extends RefusalReason> = DetailsIn<(typeof commandKinds)[CommandKind]['refusals'], R>;

/** The result of a command that was refused for this reason. */
export type RefusedResult<R extends RefusalReason> = R extends RefusalReason
  ? { reason: R } & RefusalDetails<R>
  : never;

/** The result of a command that was rejected; never: this kind is refused only. */
export type RejectedResult<K extends CommandKind> = (typeof commandKinds)[K] extends infer Command
  ? Command extends { readonly rejection: { readonly result: infer Result } }
    ? z.infer<Result>
    : never
  : never;

/** The result in an outcome. Empty: the command expired or was discarded. */
export type OutcomeResult =
  DoneResult<CommandKind> | { reason: RefusalReason } | RejectedResult<CommandKind> | Record<string, never>;

/** The result in an outcome that is done or refused, by kind of command. */
export const outcomeResults = Object.fromEntries(
  Object.entries<CommandDescriptor>(commandKinds).map(([kind, command]) => [kind, z.union(resultsOf(command))]),
) as unknown as Readonly<Record<CommandKind, z.ZodType>>;

function resultsOf({ result, rejection, refusals: reasons }: CommandDescriptor): z.ZodType[] {
  return [
    result,
    ...(rejection === undefined ? [] : [rejection.result]),
    // An outcome that an older writer stored may lack details that were added later.
    ...(Object.keys(reasons).length === 0 ? [] : [z.looseObject({ reason: z.enum(Object.keys(reasons)) })]),
  ];
}

/** The reply to a caller that waits for a command. `position` makes a later read show what was done. */
export const replySchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('outcome'),
    commandId: uuidSchema,
    status: outcomeStatusSchema,
    /** True: the command was decided earlier, and this is a repeat of that reply. */
    repeated: z.boolean(),
    result: z.record(z.string(), z.unknown()),
  }),
  z.object({ type: z.literal('key-conflict'), commandId: uuidSchema }),
  z.object({
    type: z.literal('dead-letter'),
    commandId: uuidSchema,
    reason: z.string(),
    /** True: the sender may not send this command. Absent: it may. */
    forbidden: z.literal(true).optional(),
  }),
]);
export type Reply = z.infer<typeof replySchema>;

/** All replies of one batch to one caller's process. */
export const replyMessageSchema = z.object({
  version: z.literal(1),
  /** `EcoMarket-Position` of the batch, such as `g1=3.<tag>.42`. */
  position: z.string(),
  /**
   * `stamp` is the stamp of the command that requested the reply. A repeat under the same id has another stamp and gets
   * its own reply.
   */
  replies: z.array(z.object({ stamp: stampSchema, reply: replySchema })),
});
export type ReplyMessage = z.infer<typeof replyMessageSchema>;

const receivedRepliesSchema = replyMessageSchema.extend({
  replies: z.array(z.object({ stamp: stampSchema, reply: z.unknown() })),
});

/** A reply is undefined if a newer writer sent it in a form that this reader does not know. Throws if it is no message. */
export function readReplies(message: unknown): {
  position: string;
  replies: { stamp: Stamp; reply: Reply | undefined }[];
} {
  const { position, replies } = receivedRepliesSchema.parse(message);
  return {
    position,
    replies: replies.map(({ stamp, reply }) => ({ stamp, reply: replySchema.safeParse(reply).data })),
  };
}
