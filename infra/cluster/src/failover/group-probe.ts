import type { Password } from '@eco/base';
import { isFromRunningServer, PRIMARY_TIMELINE, SideConnection } from '@eco/postgres';
import type { DatabaseNode } from '../layout.js';

/** What a node says about itself. */
export type NodeSign =
  | { readonly type: 'primary'; readonly timeline: number; readonly streamsTo: readonly string[] }
  | { readonly type: 'replica'; readonly follows: number | undefined }
  /** It runs and answered with an error, such as a refused log-in. */
  | { readonly type: 'refuses'; readonly error: Error }
  | { readonly type: 'silent'; readonly error: Error };

/** Asks the nodes of a group, over connections that stay open. */
export class GroupProbe {
  readonly #connections: ReadonlyMap<string, SideConnection>;

  constructor(nodes: readonly DatabaseNode[], password: Password) {
    const login = { user: 'postgres', password };
    this.#connections = new Map(nodes.map((node) => [node.name, new SideConnection(node, login, 'eco failover')]));
  }

  /** Asks all nodes at once. Each answers within the deadline or is silent. */
  async ask(deadlineMs: number): Promise<ReadonlyMap<string, NodeSign>> {
    const signs = [...this.#connections].map(async ([name, connection]): Promise<[string, NodeSign]> => {
      try {
        const [row] = await connection.ask<Row>(SIGNS, [], deadlineMs);
        if (row === undefined) throw new Error(`${name} gave no answer`);
        const { timeline, streams_to: streamsTo, follows } = row;
        if (timeline !== null) return [name, { type: 'primary', timeline, streamsTo }];
        return [name, { type: 'replica', follows: follows ?? undefined }];
      } catch (error) {
        return [name, { type: isFromRunningServer(error) ? 'refuses' : 'silent', error: error as Error }];
      }
    });
    return new Map(await Promise.all(signs));
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }
}

interface Row {
  /** Null on a replica. */
  timeline: number | null;
  streams_to: string[];
  /** The timeline that it streams; null if it does not. */
  follows: number | null;
}

const SIGNS = `
SELECT CASE WHEN NOT pg_is_in_recovery() THEN ${PRIMARY_TIMELINE} END AS timeline,
       ARRAY(SELECT r.application_name FROM pg_stat_replication r WHERE r.state = 'streaming') AS streams_to,
       (SELECT w.received_tli FROM pg_stat_wal_receiver w WHERE w.status = 'streaming') AS follows`;
