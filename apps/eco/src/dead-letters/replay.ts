import { randomBytes, randomUUID } from 'node:crypto';
import {
  COMMAND_DAYS_MAX,
  commandKinds,
  nextStamp,
  stampFrom,
  type Command,
  type CommandKind,
  type CommandOf,
  type Stamp,
} from '@eco/contracts';
import type { KeptDeadLetter } from '@eco/database';
import { newCommandId } from '@eco/routing';

/** The command that replays a dead letter, or the reason why there is none. */
export type Replayable = { type: 'replay'; command: Command; isLate: boolean } | { type: 'no-command'; why: string };

/**
 * Makes the command as it was received, under its own id, so that nothing is done twice. Its caller no longer waits for
 * a reply.
 */
export function replayOf(letter: KeptDeadLetter, by: string): Replayable {
  const { command: kept, commandId, bodyHash, errorClass, lastNumber, sender } = letter;
  if (errorClass === 'key-conflict') {
    return { type: 'no-command', why: 'another request was decided first under its id' };
  }
  const fields = (typeof kept === 'object' && kept !== null ? kept : {}) as Partial<Command> & { kind?: string };
  const { id, kind, notAfter } = fields;
  if (typeof id !== 'string' || id.toLowerCase() !== commandId || !isKind(kind)) {
    return { type: 'no-command', why: 'what came names no command of its own' };
  }
  const { reply: _reply, ...command } = fields as Command;
  const replay = { number: lastNumber + 1, bodyHash, by, ...(sender !== null && { sender }) };
  const oldest = stampFrom(Date.now() - COMMAND_DAYS_MAX * 86_400_000);
  const isLate = (notAfter !== undefined && Date.parse(notAfter) < Date.now()) || String(fields.stamp) < oldest;
  return { type: 'replay', command: { ...command, replay } as Command, isLate };
}

let stamp: Stamp | undefined;

export function discardOf(
  { commandId, bodyHash }: KeptDeadLetter,
  { reason, by }: { reason: string; by: string },
): CommandOf<'dead-letter.discard'> {
  const nowMs = Date.now();
  stamp = nextStamp(stamp, nowMs, 'eco');
  return {
    id: newCommandId({ key: commandId, nowMs, random: randomBytes(10) }),
    kind: 'dead-letter.discard',
    stamp,
    sentBy: 'eco dead-letters',
    correlationId: randomUUID(),
    body: { commandId, bodyHash, reason, by },
  };
}

function isKind(kind: unknown): kind is CommandKind {
  return typeof kind === 'string' && Object.hasOwn(commandKinds, kind);
}
