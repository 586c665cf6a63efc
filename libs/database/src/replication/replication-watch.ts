import { compareBatchPositions, type BatchPosition } from '@eco/routing';
import type { Address, ChangingLogin } from '@eco/base';
import { ReadError, ReadSession, type Statement } from '@eco/postgres';
import { slotName } from './slot-name.js';

/** Replication state of one node from both ends: what the primary knows about it, and what it reports itself. */
export interface NodeReplication {
  name: string;
  role: 'primary' | 'replica' | 'unreachable';
  /** Last batch visible on the node; null if it can't be reached. */
  seq: number | null;
  position: BatchPosition | null;
  /**
   * Age of the oldest batch that the node does not show, by times that the group wrote; 0 if it shows everything that
   * the primary does. Null if the node or the primary can't be reached.
   */
  lagMs: number | null;
  /** Whether the primary streams to the node. Null on the primary, and if no primary answers. */
  follows: boolean | null;
  /**
   * The primary's row about this node in `pg_stat_replication`. Null on the primary, and if there is no such row: the
   * replica is then broken.
   */
  seenByPrimary: {
    state: string;
    syncState: string;
    lagBytes: number;
    /** Lag, ms. 0 when the primary is idle, because PostgreSQL then reports none. */
    lagMs: number;
  } | null;
  /** The replica's own view; null on the primary. */
  seenByItself: {
    /** Log that was received and not replayed, bytes. */
    lagBytes: number;
    lagMs: number;
    /** Statements that recovery has cancelled there since its statistics were reset. */
    conflicts: number;
  } | null;
  /** The slot on the primary that keeps the log for this node. Null if there is none, or if no primary answers. */
  slot: {
    name: string;
    active: boolean;
    /** `reserved`, `extended`, `unreserved`, or `lost`: then the replica must be copied again. */
    walStatus: string;
    retainedBytes: number;
  } | null;
}

/** Time after which a node is reported as unreachable, ms. On a busy machine a connection alone may take seconds. */
const ANSWER_MS = 4_000;

/**
 * Asks all nodes of a group about replication, over sessions that it keeps. `pg_stat_replication` lists only connected
 * replicas. The result contains the others too, because the caller gives the list of nodes. A node is matched by the
 * name that it states to its primary.
 */
export class ReplicationWatch {
  readonly #sessions = new Map<string, Promise<ReadSession>>();
  readonly #nodes: readonly (Address & { name: string })[];
  readonly #login: ChangingLogin;

  constructor(nodes: readonly (Address & { name: string })[], login: ChangingLogin) {
    this.#nodes = nodes;
    this.#login = login;
  }

  async look(): Promise<NodeReplication[]> {
    const answers = await Promise.all(this.#nodes.map((node) => this.#ask(node)));
    const primary = answers
      .filter((answer) => answer.own !== undefined && !answer.own.in_recovery)
      .reduce<NodeAnswer | undefined>((best, each) => (isAhead(each, best) ? each : best), undefined);
    return answers.map((answer) => reportOf(answer, primary));
  }

  close(): void {
    for (const { name } of this.#nodes) this.#forget(name);
  }

  async #ask(node: Address & { name: string }): Promise<NodeAnswer> {
    try {
      const session = await this.#sessionOf(node);
      const [own] = await session.query<OwnRow>(OWN_VIEW, []);
      if (own === undefined) throw new ReadError('the group has no state yet', undefined, undefined);
      if (own.in_recovery) return { name: node.name, own, receivers: [], slots: [] };
      const [receivers, slots] = await Promise.all([
        session.query<ReceiverRow>(RECEIVERS, []),
        session.query<SlotRow>(SLOTS, []),
      ]);
      return { name: node.name, own, receivers, slots };
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      this.#forget(node.name);
      return { name: node.name, own: undefined, receivers: [], slots: [] };
    }
  }

  async #sessionOf(node: Address & { name: string }): Promise<ReadSession> {
    const kept = this.#sessions.get(node.name);
    if (kept !== undefined && !(await kept).isClosed) return kept;
    const opened = ReadSession.open({
      ...node,
      ...this.#login,
      applicationName: 'eco replication',
      connectTimeoutMs: ANSWER_MS,
      queryTimeoutMs: ANSWER_MS,
    });
    this.#sessions.set(node.name, opened);
    return opened;
  }

  #forget(name: string): void {
    const kept = this.#sessions.get(name);
    this.#sessions.delete(name);
    kept?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
}

interface NodeAnswer {
  name: string;
  /** Undefined: the node can't be reached. */
  own: OwnRow | undefined;
  receivers: ReceiverRow[];
  slots: SlotRow[];
}

function reportOf({ name, own }: NodeAnswer, primary: NodeAnswer | undefined): NodeReplication {
  const role = own === undefined ? 'unreachable' : own.in_recovery ? 'replica' : 'primary';
  const receiver = role === 'primary' ? undefined : primary?.receivers.find((each) => each.name === name);
  const slot = primary?.slots.find((each) => each.name === slotName(name));
  const position = own === undefined ? null : positionOf(own);
  return {
    name,
    role,
    seq: position?.seq ?? null,
    position,
    lagMs: own === undefined || primary?.own === undefined ? null : lagBetween(own, primary.own),
    follows: role === 'primary' || primary === undefined ? null : receiver !== undefined,
    seenByPrimary:
      receiver === undefined
        ? null
        : {
            state: receiver.state,
            syncState: receiver.sync_state,
            lagBytes: receiver.lag_bytes,
            lagMs: Math.round(receiver.lag_ms),
          },
    seenByItself:
      own === undefined || role !== 'replica'
        ? null
        : { lagBytes: own.lag_bytes, lagMs: Math.round(own.lag_ms), conflicts: own.conflicts },
    slot:
      slot === undefined || role === 'primary'
        ? null
        : {
            name: slot.name,
            active: slot.active,
            walStatus: slot.wal_status ?? 'unknown',
            retainedBytes: slot.retained_bytes ?? 0,
          },
  };
}

const positionOf = ({ term, tag, seq }: OwnRow): BatchPosition => ({ term, tag, seq });

/**
 * Whether a node is farther ahead than another. If two nodes say that they are primary, the one behind has not noticed
 * the promotion yet.
 */
function isAhead(answer: NodeAnswer, than: NodeAnswer | undefined): boolean {
  if (than?.own === undefined || answer.own === undefined) return true;
  return compareBatchPositions(positionOf(answer.own), positionOf(than.own)) > 0;
}

function lagBetween(own: OwnRow, primary: OwnRow): number {
  if (compareBatchPositions(positionOf(own), positionOf(primary)) >= 0) return 0;
  return Math.max(0, Math.round(primary.at_ms - own.at_ms));
}

interface OwnRow {
  in_recovery: boolean;
  term: number;
  tag: string;
  seq: number;
  at_ms: number;
  lag_bytes: number;
  lag_ms: number;
  conflicts: number;
}

interface ReceiverRow {
  name: string;
  state: string;
  sync_state: string;
  lag_bytes: number;
  lag_ms: number;
}

interface SlotRow {
  name: string;
  active: boolean;
  wal_status: string | null;
  retained_bytes: number | null;
}

// The time since the last replayed commit is lag only while received log waits for its replay. On an idle primary it
// grows without meaning.
const OWN_VIEW: Statement = {
  name: 'replication_own_view',
  text: `SELECT pg_is_in_recovery() AS in_recovery,
                g.term::float8 AS term, g.tag, g.seq::float8 AS seq, (extract(epoch FROM g.at) * 1000)::float8 AS at_ms,
                coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::float8 AS lag_bytes,
                CASE WHEN pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
                  THEN coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000, 0)
                  ELSE 0 END::float8 AS lag_ms,
                (SELECT coalesce(sum(c.confl_tablespace + c.confl_lock + c.confl_snapshot + c.confl_bufferpin
                                     + c.confl_deadlock), 0)::float8
                 FROM pg_stat_database_conflicts c WHERE c.datname = current_database()) AS conflicts
         FROM eco.group_position g`,
};

const RECEIVERS: Statement = {
  name: 'replication_receivers',
  text: `SELECT r.application_name AS name, r.state, r.sync_state,
                coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn), 0)::float8 AS lag_bytes,
                coalesce(extract(epoch FROM r.replay_lag) * 1000, 0)::float8 AS lag_ms
         FROM pg_stat_replication r`,
};

const SLOTS: Statement = {
  name: 'replication_slots',
  text: `SELECT s.slot_name AS name, s.active, s.wal_status,
                pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::float8 AS retained_bytes
         FROM pg_replication_slots s WHERE s.slot_type = 'physical'`,
};
