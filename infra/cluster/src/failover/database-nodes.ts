import type { Password } from '@eco/base';
import { askAsSuperuser, createSlots, follow, promote, setSource } from '../failover.js';
import type { DatabaseNode } from '../layout.js';
import type { Say } from '../steps.js';
import { until } from '../until.js';
import { countingNodes } from './counting-rule.js';
import type { ReplayProgress } from './decide.js';
import type { GroupNodes } from './fail-over.js';

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

const DETACH_MS = 10_000;
const ASK_MS = 5_000;

/** The nodes of a group as running servers. */
export class DatabaseNodes implements GroupNodes {
  readonly #nodes: ReadonlyMap<string, ManagedNode>;
  readonly #password: Password;

  constructor(nodes: readonly ManagedNode[], password: Password) {
    this.#nodes = new Map(nodes.map((each) => [each.node.name, each]));
    this.#password = password;
  }

  end(name: string): Promise<void> {
    return this.#managed(name).end();
  }

  async detach(name: string): Promise<void> {
    const { node } = this.#managed(name);
    await setSource(node, '', this.#password);
    await until(`${name} still receives log`, async () => !(await this.progress(name)).hasReceiver, {
      deadlineMs: DETACH_MS,
    });
  }

  async progress(name: string): Promise<ReplayProgress> {
    const [row] = await askAsSuperuser<ProgressRow>(this.#managed(name).node, this.#password, PROGRESS, [], ASK_MS);
    if (row === undefined) throw new Error(`${name} did not say what it has replayed`);
    return {
      hasReceiver: row.has_receiver,
      received: row.received === null ? undefined : BigInt(row.received),
      replayed: BigInt(row.replayed ?? 0),
      waitsForLog: row.waits_for_log,
    };
  }

  counting(name: string): Promise<readonly string[] | undefined> {
    return countingNodes(this.#managed(name).node, this.#password);
  }

  reserve(name: string, others: readonly string[]): Promise<void> {
    return createSlots(
      this.#managed(name).node,
      others.map((other) => ({ name: other })),
      this.#password,
    );
  }

  async promote(name: string): Promise<void> {
    const { node } = this.#managed(name);
    // A rule of an earlier time as a primary must not hold.
    await askAsSuperuser(node, this.#password, 'ALTER SYSTEM RESET synchronous_standby_names');
    await askAsSuperuser(node, this.#password, 'SELECT pg_reload_conf()');
    await promote(node, this.#password);
  }

  follow(name: string, primary: string): Promise<void> {
    const replica = this.#managed(name);
    const { node } = this.#managed(primary);
    return follow(replica.node, node, replica.connectionTo(node), this.#password);
  }

  #managed(name: string): ManagedNode {
    const found = this.#nodes.get(name);
    if (!found) throw new Error(`the group has no node ${name}`);
    return found;
  }
}

interface ProgressRow extends Record<string, unknown> {
  has_receiver: boolean;
  received: string | null;
  replayed: string | null;
  waits_for_log: boolean;
}

const PROGRESS = `
SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS has_receiver,
       pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text AS received,
       pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::text AS replayed,
       EXISTS (SELECT FROM pg_stat_activity a WHERE a.backend_type = 'startup'
               AND a.wait_event IN ('RecoveryRetrieveRetryInterval', 'RecoveryWalStream')) AS waits_for_log`;
