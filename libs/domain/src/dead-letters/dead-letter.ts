import type { CommandKind, OutcomeStatus } from '@eco/contracts';
import { insert, update, type Noun } from '../noun.js';

/** `open` until it is replayed with success, or discarded. */
export type DeadLetterState = 'open' | 'replayed' | 'discarded';

/** A command that could not be processed, without its content. Keyed by command id and `bodyHash`. */
export interface DeadLetter {
  commandId: string;
  bodyHash: string;
  state: DeadLetterState;
  /** Null: the kind is unknown. */
  kind: CommandKind | null;
  /** Null: the content is unreadable, so its bucket is unknown. */
  bucket: number | null;
  errorClass: DeadLetterClass;
  /** The place of the failure, in a few words. Equal failures have the same text. */
  failureSite: string;
  reason: string;
  /**
   * Broker user that sent the command first. Null: the message named none, or the dead letter is older than this field.
   */
  sender: string | null;
  /** Id of the account for which the command was sent, as the sender states. Null: the sender states none. */
  actor: string | null;
  /** Number of failed tries. */
  tries: number;
  /** Number of the last operator action; 0: none yet. */
  lastNumber: number;
}
/**
 * - `unreadable`: no message of commands; `invalid`: no command; both as far as this version knows.
 * - `not-owned`: it belongs to another group.
 * - `awaiting-branches`: it would use the pool, and after a restore branches may hold units of it that the home has
 *   forgotten. A replay succeeds once they have sent their entries again.
 * - `rule`: the rules threw, which is a bug. `database`: the database refuses to store its effects.
 * - `process`: each process that tried it alone ended.
 * - `forbidden`: its sender may not send it. It has no effect on others that have its id and body.
 * - `key-conflict`: another body was decided first under its id. It is its sender's mistake: it raises no alarm, and no
 *   replay can succeed.
 */
export const deadLetterClasses = [
  'unreadable',
  'invalid',
  'forbidden',
  'not-owned',
  'awaiting-branches',
  'rule',
  'database',
  'process',
  'key-conflict',
] as const;
export type DeadLetterClass = (typeof deadLetterClasses)[number];

export interface DeadLetterRow extends Omit<DeadLetter, 'state' | 'tries' | 'lastNumber'> {
  sentBy: string | null;
  /** The command as received. */
  command: unknown;
}

/** An operator's action on a dead letter, and its result. */
export interface DeadLetterActionRow {
  commandId: string;
  bodyHash: string;
  /** Number of the action; it rises with each action on this dead letter. */
  number: number;
  action: 'replay' | 'discard';
  /** Operator who requested the action, as the sender states. */
  by: string;
  /** Broker user that sent the action. */
  sender: string;
  /** For a replay, its reply: the outcome's status, `dead-letter` or `key-conflict`. */
  result: OutcomeStatus | 'dead-letter' | 'key-conflict';
  /** The reason why the dead letter was discarded, or why its replay failed. */
  reason: string | null;
}

export const deadLetters = {
  keys: {},
  state: {
    /** Dead letters by command id: one for each body, open or closed. */
    deadLetters: () => new Map<string, DeadLetter[]>(),
  },
  rows: {
    /** New dead letters. */
    deadLetters: insert<DeadLetterRow>('commandId', 'bodyHash'),
    /** Changed dead letters, one row each, new in this batch or stored. */
    deadLetterUpdates: update<DeadLetter>('deadLetters', 'commandId', 'bodyHash'),
    deadLetterActions: insert<DeadLetterActionRow>('commandId', 'bodyHash', 'number'),
  },
} satisfies Noun;
