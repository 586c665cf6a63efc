import { hash } from 'node:crypto';
import { commandMessageSchema, commandSchema, stampMs, uuidSchema, type Command } from '@eco/contracts';
import { commandIdFor, hash12, hash12OfOrderId } from '@eco/routing';
import { jsonText, keptBytes, keptJson } from './content.js';
import type { Arrived } from './effects.js';
import { faultsOf, reasonOf } from './faults.js';
import { isPlainOrder } from './orders/plain-order.js';

/**
 * The commands of one message, in their order. `message` is its content: the bytes, or what JSON.parse made of them.
 * A command that can't be read stands among the others, with all that is wrong with it; a message that is none is one
 * of those. Never throws: whatever lies in a queue came from somebody and is not to be lost.
 */
export function readCommands(message: unknown): Arrived[] {
  if (message instanceof Uint8Array) return readBytes(Buffer.from(message.buffer, message.byteOffset, message.length));
  const outer = commandMessageSchema.safeParse(message);
  if (!outer.success) return [unreadable(message, 'unreadable', faultsOf(outer.error.issues))];
  return outer.data.commands.map((raw) => readCommand(raw));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function readBytes(bytes: Buffer): Arrived[] {
  let text: string | undefined;
  let message: unknown;
  try {
    text = utf8.decode(bytes);
    message = JSON.parse(text);
  } catch (error) {
    return [
      {
        readable: false,
        ...identityOf(hash('sha256', bytes, 'hex')),
        reason: text === undefined ? 'is not UTF-8' : `is not JSON: ${(error as Error).message}`,
        errorClass: 'unreadable',
        sentBy: null,
        raw: keptBytes(bytes, text),
      },
    ];
  }
  return readCommands(message);
}

function readCommand(raw: unknown): Arrived {
  let command: Command;
  if (isPlainOrder(raw)) command = raw;
  else {
    const parsed = commandSchema.safeParse(raw);
    if (!parsed.success) return unreadable(raw, 'invalid', faultsOf(parsed.error.issues));
    command = parsed.data;
  }
  const faults = faultsBetweenFields(command);
  return faults.length === 0 ? { readable: true, command } : unreadable(raw, 'invalid', faults);
}

/** Past the year 9999 a time has no four digits and is no RFC 3339 timestamp. */
const STAMP_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function faultsBetweenFields({ id, stamp, kind, body }: Command): string[] {
  const faults: string[] = [];
  if (stampMs(stamp) > STAMP_MS_MAX) faults.push('/stamp: must be before the year 10000');
  if (kind === 'order.place' || kind === 'cart.checkout') {
    if (body.orderId !== id) faults.push("/body/orderId: must be the command's id");
    if (hash12OfOrderId(body.orderId) !== hash12(body.customerId)) {
      faults.push('/body/orderId: must hold the hash of its customer in the 12 bits after the version digit');
    }
  }
  return faults;
}

function unreadable(content: unknown, errorClass: 'unreadable' | 'invalid', faults: string[]): Arrived {
  const json = jsonText(content);
  const fields = typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : {};
  const own = uuidSchema.safeParse(fields.id);
  const identity = identityOf(hash('sha256', json.text, 'hex'));
  return {
    readable: false,
    ...identity,
    commandId: own.success ? own.data : identity.commandId,
    reason: reasonOf(faults),
    errorClass,
    sentBy: typeof fields.sentBy === 'string' ? fields.sentBy.slice(0, 128) : null,
    raw: keptJson(content, json),
  };
}

/** Made of the content alone (a UUID of version 8), so that a redelivery is the same dead letter. */
function identityOf(bodyHash: string): { commandId: string; bodyHash: string } {
  const key = bodyHash;
  return { commandId: commandIdFor({ origin: '', kind: 'unreadable', key, idempotencyKey: key }), bodyHash };
}
