import type { ChangeData, ChangeType, CommandKind, OutcomeResult, OutcomeStatus, Topic } from '@eco/contracts';
import { insert, type Noun } from '../noun.js';

export interface StoredOutcome {
  /** SHA-256 of the canonical body, hex. */
  bodyHash: string;
  status: OutcomeStatus;
  result: Record<string, unknown>;
  /** See `OutcomeRow`. */
  decidedAs: string | null;
}

export interface OutcomeRow {
  commandId: string;
  bodyHash: string;
  kind: CommandKind;
  bucket: number;
  status: OutcomeStatus;
  result: OutcomeResult;
  /** Topic under which `GET /changes` shows it; null: it changed nothing. */
  topic: Topic | null;
  changeType: ChangeType | null;
  /** Number within (batch, topic), from 1; 0 if topic is null. */
  n: number;
  /** Data of the change; null if topic is null. */
  changeData: ChangeData<ChangeType> | null;
  /** Broker user that sent the command. Null: it is unknown, because the dead letter is older than this field. */
  sender: string | null;
  /** Id of the account for which the command was sent, as the sender states. Null: the sender states none. */
  actor: string | null;
  /**
   * The id under which the request was decided, if that is another of its ids. Such an outcome is a copy: it has no
   * effects and no change. Null: the request was decided under this id.
   */
  decidedAs: string | null;
}

export const outcomes = {
  keys: {
    /** Ids whose outcomes, dead letters and tombstones are loaded. */
    commandIds: 'all',
  },
  state: { outcomes: () => new Map<string, StoredOutcome>() },
  rows: { outcomes: insert<OutcomeRow>('commandId') },
} satisfies Noun;
