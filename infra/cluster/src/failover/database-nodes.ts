import type { Password } from '@eco/base';
import { createSlots, follow, promote, setSource, Superuser } from '../failover.js';
import type { DatabaseNode } from '../layout.js';
import type { Say } from '../steps.js';
import { until } from '../until.js';
import { countingNodes, resetNames } from './counting-rule.js';
import type { ReplayProgress } from './decide.js';
import type { GroupNodes } from './fail-over.js';
import { probe, type NodeSign } from './group-probe.js';

/** What a provider does with a database node. */
export interface ManagedNode {
  readonly node: DatabaseNode;
  /** Whether its process runs. */
  isRunning(): boolean;
  /** It was stopped on request, so nobody starts it. */
  isStopped(): boolean;
  /** Resolves when its process has ended. */
  ended(): Promise<unknown>;
  /** Requests an orderly end, which sends all log to the replicas, and waits. */
  stop(): Promise<void>;
  /** Kills it with everything it has started. Resolves when nothing of it runs any more. */
  end(): Promise<void>;
  /** Starts it in the role that it had. Resolves when it is ready. */
  start(): Promise<void>;
  /** Removes its data: its next start as a replica copies them. It does not run. */
  discard(): Promise<void>;
  /**
   * Starts it as a replica of `primary`. `mayDiffer`: its log may have entries that the primary's lacks, so it is
   * rewound before. It is copied if it has no data, or cannot be rewound.
   */
  startAsReplica(primary: DatabaseNode, mayDiffer: boolean, say: Say): Promise<void>;
  /** The conninfo by which it reaches `primary`. */
  connectionTo(primary: DatabaseNode): string;
}

/** The nodes of a group, and which one is the primary. */
export interface WatchedGroup {
  readonly id: string;
  readonly nodes: readonly ManagedNode[];
  /** Name of the node that is the primary. */
  readonly primary: () => string;
  /** Called when another node has become the primary. */
  readonly setPrimary: (name: string) => void;
}

const DETACH_MS = 10_000;
const ASK_MS = 5_000;

/** The nodes of a group as running servers. The superuser stays logged in at each. */
export class DatabaseNodes implements GroupNodes {
  readonly #nodes: ReadonlyMap<string, ManagedNode>;
  readonly #superusers: ReadonlyMap<string, Superuser>;

  constructor(nodes: readonly ManagedNode[], password: Password) {
    this.#nodes = new Map(nodes.map((each) => [each.node.name, each]));
    this.#superusers = new Map(nodes.map(({ node }) => [node.name, new Superuser(node, password)]));
  }

  /** The superuser at a node, for short statements that wait for nothing. */
  at(name: string): Superuser {
    return found(this.#superusers.get(name), name);
  }

  /** What each node says about itself within the deadline. */
  probe(deadlineMs: number): Promise<ReadonlyMap<string, NodeSign>> {
    return probe([...this.#superusers.values()], deadlineMs);
  }

  async end(name: string): Promise<void> {
    await this.#managed(name).end();
    // A node that is cut off can't say that the session has ended.
    this.at(name).close();
  }

  async detach(name: string): Promise<void> {
    await setSource(this.at(name), '');
    await until(`${name} still receives log`, async () => !(await this.progress(name)).hasReceiver, {
      deadlineMs: DETACH_MS,
    });
  }

  async progress(name: string): Promise<ReplayProgress> {
    const [row] = await this.at(name).ask<ProgressRow>(PROGRESS, [], ASK_MS);
    if (row === undefined) throw new Error(`${name} did not say what it has replayed`);
    if (!row.in_recovery) throw new Error(`${name} is a primary`);
    return {
      hasReceiver: row.has_receiver,
      received: row.received === null ? undefined : BigInt(row.received),
      replayed: BigInt(row.replayed ?? 0),
      waitsForLog: row.waits_for_log,
    };
  }

  counting(name: string): Promise<readonly string[] | undefined> {
    return countingNodes(this.at(name));
  }

  reserve(name: string, others: readonly string[]): Promise<void> {
    return createSlots(
      this.at(name),
      others.map((other) => ({ name: other })),
    );
  }

  async promote(name: string): Promise<void> {
    // A rule of an earlier time as a primary must not hold.
    await resetNames(this.at(name));
    await promote(this.at(name));
  }

  follow(name: string, primary: string): Promise<void> {
    const connection = this.#managed(name).connectionTo(this.#managed(primary).node);
    return follow(this.at(name), this.at(primary), connection);
  }

  /** A node that was a primary has slots of its replicas, which would keep log for nobody. */
  async dropSlots(name: string): Promise<void> {
    await this.at(name).ask(
      'SELECT pg_drop_replication_slot(s.slot_name) FROM pg_replication_slots s WHERE NOT s.active',
    );
  }

  /** The last batch that a node shows. */
  async lastBatch(name: string): Promise<{ seq: string; at: string } | undefined> {
    const [row] = await this.at(name).ask<{ seq: string; at: string }>(
      `SELECT g.seq::text AS seq, to_char(g.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS at FROM eco.group_position g`,
    );
    return row;
  }

  close(): void {
    for (const at of this.#superusers.values()) at.close();
  }

  #managed(name: string): ManagedNode {
    return found(this.#nodes.get(name), name);
  }
}

function found<T>(node: T | undefined, name: string): T {
  if (node === undefined) throw new Error(`the group has no node ${name}`);
  return node;
}

interface ProgressRow extends Record<string, unknown> {
  in_recovery: boolean;
  has_receiver: boolean;
  received: string | null;
  replayed: string | null;
  waits_for_log: boolean;
}

const PROGRESS = `
SELECT pg_is_in_recovery() AS in_recovery,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS has_receiver,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text AS received,
       pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text AS replayed,
       EXISTS (SELECT FROM pg_stat_activity a WHERE a.backend_type = 'startup'
               AND a.wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')) AS waits_for_log`;
