import { hash } from 'node:crypto';
import {
  BROKER_MESSAGE_BYTES_MAX,
  commandKinds,
  commandMessageSchema,
  commandSchema,
  idFieldsOf,
  replaySchema,
  stampMs,
  stampSchema,
  uuidSchema,
  type Command,
  type CommandKind,
  type Replay,
  type Stamp,
} from '@eco/contracts';
import { isRoutedBy, ownCommandId } from '@eco/routing';
import { isBodyOf } from './body-hash.js';
import { CONTENT_LENGTH_MAX, jsonText, keptBytes, keptJson } from './content.js';
import type { Arrived } from './effects.js';
import { violationsIn, siteOf, reasonOf } from './violations.js';
import { isPlainOrder } from './orders/plain-order.js';

/**
 * The commands of one message, in order. `message` is its content: the bytes, or the result of JSON.parse. An
 * unreadable command keeps its place among the others and names all its violations. An unreadable message is one
 * unreadable command, and so is one with too many bytes, which is not parsed. Never throws: a message in a queue must
 * not be lost.
 */
export function readCommands(message: unknown, sender: string | null): Arrived[] {
  if (message instanceof Uint8Array) {
    return readBytes(Buffer.from(message.buffer, message.byteOffset, message.length), sender);
  }
  const outer = commandMessageSchema.safeParse(message);
  if (!outer.success) return [unreadable(message, sender, 'unreadable', violationsIn(outer.error.issues))];
  return outer.data.commands.map((raw) => readCommand(raw, sender));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function readBytes(bytes: Buffer, sender: string | null): Arrived[] {
  if (bytes.length > BROKER_MESSAGE_BYTES_MAX) {
    const reason = `has ${bytes.length} bytes: must have at most ${BROKER_MESSAGE_BYTES_MAX}`;
    return [unparsed(bytes, sender, { failureSite: 'size', reason })];
  }
  let text: string | undefined;
  let message: unknown;
  try {
    text = utf8.decode(bytes);
    message = JSON.parse(text);
  } catch (error) {
    const why =
      text === undefined
        ? { failureSite: 'UTF-8', reason: 'is not UTF-8' }
        : { failureSite: 'JSON', reason: `is not JSON: ${(error as Error).message}` };
    return [unparsed(bytes, sender, why, text)];
  }
  return readCommands(message, sender);
}

/**
 * A message that nobody may parse yet, as one unreadable command: it may have ended the processes that parsed it. Its
 * id and hash derive from the bytes.
 */
export function unreadMessage(bytes: Buffer, sender: string | null): Arrived {
  return unparsed(bytes, sender, { failureSite: 'reading', reason: 'was not read' });
}

/** `text`: the bytes as text, if they were decoded. */
function unparsed(
  bytes: Buffer,
  sender: string | null,
  why: { failureSite: string; reason: string },
  text?: string,
): Arrived {
  return {
    readable: false,
    ...identityOf(hash('sha256', bytes, 'hex')),
    kind: null,
    ...why,
    errorClass: 'unreadable',
    sender,
    sentBy: null,
    raw: keptBytes(bytes, text),
  };
}

function readCommand(raw: unknown, sender: string | null): Arrived {
  let command: Command;
  if (isPlainOrder(raw)) command = raw;
  else {
    const parsed = commandSchema.safeParse(raw);
    if (!parsed.success) return unreadable(raw, sender, 'invalid', violationsIn(parsed.error.issues));
    command = parsed.data;
    // Unknown fields may have any size, and a dead letter keeps all of the command.
    if (JSON.stringify(raw).length > CONTENT_LENGTH_MAX) {
      return unreadable(raw, sender, 'invalid', [
        `(all of it): must have at most ${CONTENT_LENGTH_MAX} characters as JSON`,
      ]);
    }
  }
  const violations = [...violationsBetweenFields(command), ...violationsOfReplay(command, raw)];
  return violations.length === 0 ? { readable: true, command, sender } : unreadable(raw, sender, 'invalid', violations);
}

/** After the year 9999 a time has more than four digits and is no RFC 3339 timestamp. */
const STAMP_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function violationsBetweenFields({ id, formerIds = [], stamp, kind, body }: Command): string[] {
  const violations: string[] = [];
  if (stampMs(stamp) > STAMP_MS_MAX) violations.push('/stamp: must be before the year 10000');
  const { makes, key } = commandKinds[kind];
  const fields = body as Readonly<Record<string, unknown>>;
  const routedBy = fields[key] as string;
  const whose = key.replace(/Id$/, '');
  const rule = `must hold the hash of its ${whose} in the 12 bits after the version digit`;
  if (formerIds.some((each) => !isRoutedBy(each, routedBy))) violations.push(`/formerIds: each ${rule}`);
  if (makes !== undefined && fields[makes] !== id) violations.push(`/body/${makes}: must be the command's id`);
  for (const name of idFieldsOf(kind)) {
    if (!isRoutedBy(fields[name] as string, routedBy)) violations.push(`/body/${name}: ${rule}`);
  }
  return violations;
}

/**
 * Violations of a replay. It must name the hash of this body or, for content that an earlier version could not read,
 * the hash of the content.
 */
function violationsOfReplay(command: Command, raw: unknown): string[] {
  const { replay } = command;
  if (replay === undefined || isBodyOf(command, replay.bodyHash) || contentHash(raw) === replay.bodyHash) return [];
  return ['/replay/bodyHash: must be the hash of this body'];
}

function contentHash(raw: unknown): string {
  return hash('sha256', jsonText(withoutReplay(raw).content).text, 'hex');
}

/** The content as first sent, without the replay. */
function withoutReplay(raw: unknown): { content: unknown; replay?: Replay } {
  if (typeof raw !== 'object' || raw === null || !('replay' in raw)) return { content: raw };
  const { replay, ...content } = raw;
  const parsed = replaySchema.safeParse(replay);
  return parsed.success ? { content, replay: parsed.data } : { content: raw };
}

function unreadable(
  raw: unknown,
  sender: string | null,
  errorClass: 'unreadable' | 'invalid',
  violations: string[],
): Arrived {
  const { content, replay } = withoutReplay(raw);
  const json = jsonText(content);
  const fields = typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  const kind = Object.keys(commandKinds).find((each) => each === fields.kind) as CommandKind | undefined;
  const own = uuidSchema.safeParse(fields.id);
  const identity = identityOf(hash('sha256', json.text, 'hex'));
  return {
    readable: false,
    ...identity,
    commandId: own.success ? own.data : identity.commandId,
    kind: kind ?? null,
    reason: reasonOf(violations),
    errorClass,
    failureSite: `${kind ?? (errorClass === 'invalid' ? 'no kind' : 'message')} ${siteOf(violations)}`,
    sender,
    sentBy: typeof fields.sentBy === 'string' ? fields.sentBy.slice(0, 128) : null,
    raw: keptJson(content, json),
    ...replyStampOf(fields),
    ...(replay === undefined ? {} : { replay }),
  };
}

/** A sender learns that its command became a dead letter, if it has written legibly that it waits and for what. */
function replyStampOf({ reply, stamp }: Record<string, unknown>): { replyStamp?: Stamp } {
  const own = stampSchema.safeParse(stamp);
  return reply === true && own.success ? { replyStamp: own.data } : {};
}

/**
 * Id and hash that derive from the content alone (a UUID of version 8), so that a redelivery is the same dead letter.
 */
function identityOf(bodyHash: string): { commandId: string; bodyHash: string } {
  return { commandId: ownCommandId({ origin: '', kind: 'unreadable', key: bodyHash, content: bodyHash }), bodyHash };
}
