import { hash } from 'node:crypto';
import {
  commandKinds,
  commandMessageSchema,
  commandSchema,
  stampMs,
  uuidSchema,
  type Command,
  type CommandKind,
} from '@eco/contracts';
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

/** Ids in a body: the one that the command makes, which is its own, and all that lie in the bucket of its key. */
interface BodyIds {
  made?: string;
  named: readonly string[];
}
const NO_IDS: BodyIds = { named: [] };
const bodyIds: Partial<Record<CommandKind, BodyIds>> = {
  'order.place': { made: 'orderId', named: ['orderId'] },
  'cart.checkout': { made: 'orderId', named: ['orderId'] },
  'reservation.create': { made: 'reservationId', named: ['reservationId'] },
  'reservation.confirm': { made: 'orderId', named: ['orderId', 'reservationId'] },
  'reservation.release': { named: ['reservationId'] },
  'reservation.expire': { named: ['reservationId'] },
  'order.cancel': { named: ['orderId'] },
  'order.fulfil': { named: ['orderId'] },
  'order.return': { named: ['orderId'] },
  'transfer.send': { made: 'transferId', named: ['transferId'] },
  'transfer.receive': { named: ['transferId'] },
};
const idsIn = (kind: CommandKind): BodyIds => bodyIds[kind] ?? NO_IDS;

/** Past the year 9999 a time has no four digits and is no RFC 3339 timestamp. */
const STAMP_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function faultsBetweenFields({ id, stamp, kind, body }: Command): string[] {
  const faults: string[] = [];
  if (stampMs(stamp) > STAMP_MS_MAX) faults.push('/stamp: must be before the year 10000');
  const { made, named } = idsIn(kind);
  const fields = body as Readonly<Record<string, unknown>>;
  if (made !== undefined && fields[made] !== id) faults.push(`/body/${made}: must be the command's id`);
  for (const name of named) {
    const key = commandKinds[kind].key;
    if (hash12OfOrderId(fields[name] as string) !== hash12(fields[key] as string)) {
      const whose = key === 'customerId' ? 'customer' : 'product';
      faults.push(`/body/${name}: must hold the hash of its ${whose} in the 12 bits after the version digit`);
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
