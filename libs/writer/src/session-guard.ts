import { hostPort, PeriodicTask, type Log } from '@eco/base';
import { endLongTransactions } from '@eco/database';
import type { SideConnection } from '@eco/postgres';

const EVERY_MS = 2000;
/** Time limit of a query, ms. It is long, because the server may be busy and nothing waits for the result. */
const ANSWER_MS = 5000;

export interface SessionGuardOptions {
  /** Connections to all nodes of the group as eco_writer: a snapshot on a replica holds back the primary's vacuum, too. */
  readonly nodes: () => readonly SideConnection[];
  readonly log: Log;
}

/**
 * Ends sessions of other roles whose transaction exceeds the limit of their role. A role's own timeouts are only
 * defaults, which each of its sessions may lift. Every writer runs a guard, the standby too.
 */
export class SessionGuard {
  readonly #options: SessionGuardOptions;
  readonly #ended = new Map<string, number>();
  readonly #looks = new PeriodicTask(() => this.#look(), EVERY_MS);

  constructor(options: SessionGuardOptions) {
    this.#options = options;
  }

  /** Sessions ended since the process started, by role. */
  get ended(): ReadonlyMap<string, number> {
    return this.#ended;
  }

  start(): void {
    this.#looks.start();
  }

  stop(): Promise<void> {
    return this.#looks.stop();
  }

  #look(): Promise<unknown> {
    return Promise.all(this.#options.nodes().map((node) => this.#lookAt(node)));
  }

  /** Checks one node. It never throws, because a node that is away is reported elsewhere. */
  async #lookAt(node: SideConnection): Promise<void> {
    const ended = await endLongTransactions(node, ANSWER_MS).catch(() => []);
    for (const { role, seconds } of ended) {
      this.#ended.set(role, (this.#ended.get(role) ?? 0) + 1);
      const fields = { node: hostPort(node.node), role, seconds: Math.round(seconds) };
      this.#options.log.warn(fields, 'ended a session whose transaction exceeded the limit of its role');
    }
  }
}
