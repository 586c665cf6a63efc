import { z } from 'zod';
import { cartCommands } from './carts.js';
import { messageObject } from './compatibility.js';
import { customerCommands } from './customers.js';
import { deadLetterCommands, replaySchema } from './dead-letters.js';
import { orderCommands } from './orders.js';
import { nameInLogsSchema, takenAtSchema, uuidSchema } from './primitives.js';
import { timestampSchema } from './times.js';
import { productCommands } from './products.js';
import { quotaCommands } from './quotas.js';
import { reservationCommands } from './reservations.js';
import { saleCommands } from './sales.js';
import { stampSchema } from './stamp.js';
import { stockCommands } from './stock.js';
import { transferCommands } from './transfers.js';

/**
 * Commands: requests, by id. A command may be sent any number of times: the first outcome stored for its id is the
 * outcome. Times are in the envelope and not in the body, so that a retried request has the same body.
 */

/** Each kind of command. Everything else that depends on the kind is derived from its descriptor. */
export const commandKinds = {
  ...orderCommands,
  ...cartCommands,
  ...customerCommands,
  ...productCommands,
  ...reservationCommands,
  ...stockCommands,
  ...transferCommands,
  ...saleCommands,
  ...quotaCommands,
  ...deadLetterCommands,
};

export type CommandKind = keyof typeof commandKinds;
export type CommandBody<K extends CommandKind> = z.infer<(typeof commandKinds)[K]['body']>;

/** Kinds whose command a branch may send only for stored objects of its own. */
export type OwnedKind = {
  [K in CommandKind]: (typeof commandKinds)[K]['senders'] extends { actsOnStored: true } ? K : never;
}[CommandKind];

/** Kinds whose command makes something under its own id. */
export type MakingKind = {
  [K in CommandKind]: (typeof commandKinds)[K]['makes'] extends string ? K : never;
}[CommandKind];

/** Kinds of entries of a branch's log. */
export type EntryKind = {
  [K in CommandKind]: CommandBody<K> extends { sequence: number } ? K : never;
}[CommandKind];

export function isEntry(command: Pick<Command, 'kind' | 'body'>): command is CommandOf<EntryKind> {
  return entryKinds.has(command.kind);
}
const entryKinds: ReadonlySet<string> = new Set(
  Object.entries(commandKinds).flatMap(([kind, { body }]) => ('sequence' in body.shape ? [kind] : [])),
);

/**
 * The id of the order, reservation or transfer that this body makes, which is also the command's id; undefined if the
 * kind makes nothing.
 */
export function idMadeBy(kind: CommandKind, body: object): string | undefined {
  const { makes } = commandKinds[kind];
  return makes === undefined ? undefined : (body as Readonly<Record<string, string>>)[makes];
}

/**
 * The command as it was sent under one of its former ids. If it makes something, the body states that id too.
 */
export function underId(command: Command, id: string): Command {
  const { makes } = commandKinds[command.kind];
  return { ...command, id, body: makes === undefined ? command.body : { ...command.body, [makes]: id } } as Command;
}

/** Fields of the body that hold an id. The 12-bit field of each id must be the hash of the command's key. */
export function idFieldsOf(kind: CommandKind): readonly string[] {
  return idFields.get(kind) ?? [];
}
const idFields = new Map(
  Object.entries(commandKinds).map(([kind, { body, key }]) => [
    kind,
    Object.entries<unknown>(body.shape).flatMap(([field, schema]) =>
      schema === uuidSchema && field !== key ? [field] : [],
    ),
  ]),
);

/**
 * The person or program for whom an API sends a command. The writer checks only the branch: a branch API may state only
 * actors of its branch, Central any actor.
 */
export const actorSchema = messageObject({
  /** Id of the account. */
  id: nameInLogsSchema,
  /** Null: the person belongs to no branch. */
  branchId: takenAtSchema,
});
export type Actor = z.infer<typeof actorSchema>;

/** Most former ids of a command. An installation keeps no more former secrets of id keys. */
export const FORMER_IDS_MAX = 4;

const envelopeFields = {
  /** Any UUID. If the command makes an order, a reservation or a transfer, this is also the id of that. */
  id: uuidSchema,
  /**
   * Ids that the same request had under former id keys of its account, the latest first. The first outcome under any of
   * its ids is the outcome of all. Each id holds the hash of the command's customer or product.
   */
  formerIds: z.array(uuidSchema).min(1).max(FORMER_IDS_MAX).optional(),
  /** Made by the sender. It contains the time. */
  stamp: stampSchema,
  /** The person or program for whom the API sends it. Absent: the API knows none, or is older. */
  actor: actorSchema.optional(),
  /** Process that sent it, for people who investigate. */
  sentBy: nameInLogsSchema,
  /** Follows one request through messages and logs. */
  correlationId: nameInLogsSchema,
  /** `traceparent` of W3C Trace Context, if the request is traced. Nothing depends on it but spans. */
  traceparent: nameInLogsSchema.optional(),
  /**
   * The last restore of the home's database that the sending branch knows. Absent: it knows of none. Until a restored home
   * has the entries of a branch again, it decides only those that were sent with its epoch.
   */
  homeEpoch: nameInLogsSchema.optional(),
  /** After this time, by the group's clock, the command is never carried out. Absent: no limit. */
  notAfter: timestampSchema.optional(),
  /** True: a caller waits for the outcome at the message's `replyTo`. */
  reply: z.boolean().optional(),
  /** Names the dead letter that an operator wants to try again. */
  replay: replaySchema.optional(),
};

type EnvelopeOf<K extends CommandKind> = K extends CommandKind
  ? z.infer<z.ZodObject<typeof envelopeFields>> & { kind: K; body: CommandBody<K> }
  : never;

/** One command in its envelope. `body` contains only the request: its hash distinguishes a repeat from a conflict. */
export type Command = EnvelopeOf<CommandKind>;
export type CommandOf<K extends CommandKind> = EnvelopeOf<K>;

/** Each kind of command in its envelope. */
export const commandSchemas = Object.fromEntries(
  Object.entries(commandKinds).map(([kind, { body }]) => [
    kind,
    messageObject({ ...envelopeFields, kind: z.literal(kind), body }),
  ]),
) as unknown as { [K in CommandKind]: z.ZodType<CommandOf<K>> };

export const commandSchema = z.discriminatedUnion('kind', Object.values(commandSchemas) as unknown as [z.ZodObject], {
  error: 'is no kind that this writer knows. If the sender is newer, upgrade the writers first',
}) as unknown as z.ZodType<Command>;

/** Limits of one message, in which a publisher gathers commands while a confirm is outstanding. */
export const MAX_COMMANDS_PER_MESSAGE = 256;
export const MAX_MESSAGE_BYTES = 64 * 1024;
/**
 * Longest message that a broker accepts and a reader parses, bytes. The greatest legal message is one command of 64 Ki
 * characters with three bytes each in UTF-8, 192 KiB; a publisher sends such a command alone.
 */
export const BROKER_MESSAGE_BYTES_MAX = 256 * 1024;

/**
 * A message in a command queue: one or more commands. A reader parses the outer shape first and then each command
 * separately, so that one bad command does not affect its neighbours. `formatChanges` lists the versions.
 */
export const COMMAND_MESSAGE_VERSION = 1;
export const commandMessageSchema = z.object({
  version: z.literal(COMMAND_MESSAGE_VERSION, {
    error: ({ input }) =>
      typeof input === 'number'
        ? `is ${input}, and this writer reads ${COMMAND_MESSAGE_VERSION}: upgrade the writers before the senders`
        : `must be ${COMMAND_MESSAGE_VERSION}`,
  }),
  commands: z.array(z.unknown()).min(1).max(MAX_COMMANDS_PER_MESSAGE),
});

/** The key whose hash names the command's bucket. */
export function keyOf({ kind, body }: Pick<Command, 'kind' | 'body'>): string {
  return (body as Readonly<Record<string, string>>)[commandKinds[kind].key] as string;
}
