import { ReadError, ReadSession, type ReadStatement } from '../nodes/read-session.js';
import type { Login, NodeAddress } from '../nodes/login.js';

/** How one node stands. Lag in ms and bytes from both ends: what the primary knows of it, and what it says itself. */
export interface NodeReplication {
  name: string;
  role: 'primary' | 'replica' | 'unreachable';
  /** Last batch that the node shows; null when it can't be reached. */
  seq: number | null;
  /** From `pg_stat_replication`; null on the primary, and where the primary has no such receiver: that replica is broken. */
  seenByPrimary: {
    state: string;
    syncState: string;
    lagBytes: number;
    /** 0 when idle: PostgreSQL then reports none. */
    lagMs: number;
  } | null;
  /** The replica's own view: received and not replayed; null on the primary. */
  seenByItself: { lagBytes: number; lagMs: number } | null;
}

/**
 * Asks all nodes of a group how replication stands, over sessions that it keeps. A replica that vanished from
 * `pg_stat_replication` is not missing from the answer: the list of nodes comes from the caller.
 */
export class ReplicationWatch {
  private readonly sessions = new Map<string, Promise<ReadSession>>();

  constructor(
    private readonly nodes: readonly (NodeAddress & { name: string })[],
    private readonly login: Login,
  ) {}

  async look(): Promise<NodeReplication[]> {
    const answers = await Promise.all(this.nodes.map((node) => this.ask(node)));
    const receivers = answers.flatMap((answer) => answer.receivers);
    return answers.map(({ name, role, seq, itself }) => ({
      name,
      role,
      seq,
      seenByPrimary: role === 'replica' ? (receivers.find((receiver) => receiver.name === name)?.view ?? null) : null,
      seenByItself: role === 'replica' ? itself : null,
    }));
  }

  close(): void {
    for (const { name } of this.nodes) this.forget(name);
  }

  private async ask(node: NodeAddress & { name: string }): Promise<NodeAnswer> {
    try {
      const session = await this.sessionOf(node);
      const [own] = await session.query<OwnRow>(OWN_VIEW, []);
      if (own === undefined) throw new ReadError('group_state has no row', undefined, undefined);
      const rows = own.in_recovery ? [] : await session.query<ReceiverRow>(RECEIVERS, []);
      return {
        name: node.name,
        role: own.in_recovery ? 'replica' : 'primary',
        seq: Number(own.seq),
        itself: { lagBytes: Number(own.lag_bytes), lagMs: Math.round(own.lag_ms) },
        receivers: rows.map((row) => ({
          name: row.name,
          view: {
            state: row.state,
            syncState: row.sync_state,
            lagBytes: Number(row.lag_bytes),
            lagMs: Math.round(row.lag_ms),
          },
        })),
      };
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      this.forget(node.name);
      return { name: node.name, role: 'unreachable', seq: null, itself: null, receivers: [] };
    }
  }

  private async sessionOf(node: NodeAddress & { name: string }): Promise<ReadSession> {
    const kept = this.sessions.get(node.name);
    if (kept !== undefined && !(await kept).isClosed) return kept;
    const opened = ReadSession.open({
      ...node,
      ...this.login,
      applicationName: 'eco replication',
      connectTimeoutMs: 1_000,
      queryTimeoutMs: 2_000,
    });
    this.sessions.set(node.name, opened);
    return opened;
  }

  private forget(name: string): void {
    const kept = this.sessions.get(name);
    this.sessions.delete(name);
    kept?.then(
      (session) => session.close(),
      () => undefined,
    );
  }
}

interface NodeAnswer {
  name: string;
  role: NodeReplication['role'];
  seq: number | null;
  itself: { lagBytes: number; lagMs: number } | null;
  receivers: { name: string; view: NonNullable<NodeReplication['seenByPrimary']> }[];
}

interface OwnRow {
  in_recovery: boolean;
  seq: string;
  lag_bytes: string;
  lag_ms: number;
}

interface ReceiverRow {
  name: string;
  state: string;
  sync_state: string;
  lag_bytes: string;
  lag_ms: number;
}

// Time since the last replayed commit is lag only while there is something received and not replayed: on an idle
// primary it grows without meaning anything.
const OWN_VIEW: ReadStatement = {
  name: 'replication_own_view',
  text: `SELECT pg_is_in_recovery() AS in_recovery,
                g.seq,
                coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0) AS lag_bytes,
                CASE WHEN pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
                  THEN coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000, 0)
                  ELSE 0 END::float8 AS lag_ms
         FROM eco.group_state g`,
};

const RECEIVERS: ReadStatement = {
  name: 'replication_receivers',
  text: `SELECT r.application_name AS name, r.state, r.sync_state,
                coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn), 0) AS lag_bytes,
                coalesce(extract(epoch FROM r.replay_lag) * 1000, 0)::float8 AS lag_ms
         FROM pg_stat_replication r`,
};
