import type { Command, CommandKind, Replay, Reply, Stamp } from '@eco/contracts';
import type { DeadLetterClass } from './dead-letters/dead-letter.js';
import type { RowList } from './noun.js';
import { mapValues, rowLists, type RowLists } from './nouns.js';

/** Rows that a batch writes, by list. Each list is stored with one statement or a few. */
export type Rows = { [List in keyof RowLists]: RowOf<RowLists[List]>[] };

export type RowOf<List> = List extends RowList<infer Row> ? Row : never;

export interface Effects extends Rows {
  /** One reply for each command of the batch, in order. */
  replies: Reply[];
  /** Commands that their sender may not send. Repeats are included, although no row is written for them. */
  forbidden: Forbidden[];
}

export interface Forbidden {
  commandId: string;
  /** Null: the command is unreadable, or its kind is unknown. */
  kind: CommandKind | null;
  /** Broker user; null: the message names none. */
  sender: string | null;
  reason: string;
}

export function noEffects(): Effects {
  return { ...(mapValues(rowLists, () => []) as Rows), replies: [], forbidden: [] };
}

/** The reason why a command can't be processed. */
export interface Failure {
  errorClass: DeadLetterClass;
  failureSite: string;
  reason: string;
}

/** A command as it arrived: readable, or unreadable with the reason. An unreadable one becomes a dead letter. */
export type Arrived =
  | {
      readable: true;
      command: Command;
      /** Broker user that sent the command. The broker has checked the name. Null: the message names none. */
      sender: string | null;
    }
  | {
      readable: false;
      /** The command's own id, or an id derived from its content, so that a redelivery has the same id. */
      commandId: string;
      /** SHA-256 of its content, hex, because it has no trustworthy body. */
      bodyHash: string;
      /** Null: the kind is missing or unknown. */
      kind: CommandKind | null;
      reason: string;
      errorClass: 'unreadable' | 'invalid';
      failureSite: string;
      sender: string | null;
      sentBy: string | null;
      /** Stamp under which its sender waits for a reply. Absent: it asks for none, or has no stamp that can be read. */
      replyStamp?: Stamp;
      replay?: Replay;
      /** The content, or the part of it that is kept, in a form that jsonb accepts. */
      raw: unknown;
    };
