import type { Address, ChangingLogin } from '@eco/base';
import { SideConnection } from './side-connection.js';

/** The report of a node about itself. */
export type NodeAnswer = PrimaryAnswer | ReplicaAnswer | UnreachableAnswer;
export interface PrimaryAnswer {
  type: 'primary';
  node: Address;
  /** Timeline of the log. It rises with each promotion. */
  timeline: number;
}
interface ReplicaAnswer {
  type: 'replica';
  node: Address;
}
interface UnreachableAnswer {
  type: 'unreachable';
  node: Address;
  error: Error;
}

/**
 * SQL: a primary's timeline, from the name of the WAL file that it writes. `pg_control_checkpoint()` shows the old one
 * until the first checkpoint after a promotion. Fails on a replica.
 */
export const PRIMARY_TIMELINE = `('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer`;

/** SQL: the timeline, as above, but null on a replica. */
const TIMELINE = `SELECT CASE WHEN NOT pg_is_in_recovery() THEN ${PRIMARY_TIMELINE} END AS timeline`;

/** Asks the nodes of a group for their roles, over connections that stay open (R7). */
export class NodeRoles {
  readonly #connections: SideConnection[];

  constructor(nodes: readonly Address[], login: ChangingLogin, applicationName = 'eco node discovery') {
    this.#connections = nodes.map((node) => new SideConnection(node, login, applicationName));
  }

  /** Asks all nodes at once. The answers are in the order of the nodes, each within the deadline. */
  ask(deadlineMs = 1000): Promise<NodeAnswer[]> {
    return Promise.all(this.#connections.map((connection) => askNode(connection, deadlineMs)));
  }

  /**
   * The node that is the primary (R7). A primary with a later timeline than `known` is returned at once: a node that does
   * not answer would delay the one that took its place.
   */
  async primary(known: number, deadlineMs = 1000): Promise<PrimaryAnswer | undefined> {
    const asked = this.#connections.map((connection) => askNode(connection, deadlineMs));
    const later = asked.map(async (answered) => {
      const answer = await answered;
      if (answer.type !== 'primary' || answer.timeline <= known) throw new Error('no later primary');
      return answer;
    });
    return Promise.any(later).catch(async () => primaryOf(await Promise.all(asked)));
  }

  /** The connection to this node, for other queries; undefined: it is not in the group. */
  connection(node: Address): SideConnection | undefined {
    return this.#connections.find(({ node: { host, port } }) => host === node.host && port === node.port);
  }

  /** The connections to all nodes, in the order of the nodes. */
  get connections(): readonly SideConnection[] {
    return this.#connections;
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }
}

async function askNode(connection: SideConnection, deadlineMs: number): Promise<NodeAnswer> {
  const { node } = connection;
  try {
    const [row] = await connection.ask<{ timeline: number | null }>(TIMELINE, [], deadlineMs);
    const timeline = row?.timeline ?? null;
    return timeline === null ? { type: 'replica', node } : { type: 'primary', node, timeline };
  } catch (error) {
    return { type: 'unreachable', node, error: error as Error };
  }
}

/** Asks once and closes the connections. */
export async function askNodes(
  nodes: readonly Address[],
  login: ChangingLogin,
  deadlineMs?: number,
): Promise<NodeAnswer[]> {
  const group = new NodeRoles(nodes, login);
  try {
    return await group.ask(deadlineMs);
  } finally {
    group.close();
  }
}

/**
 * The node that says it is primary. If two say so, it is the one with the higher timeline: the other has not noticed
 * the promotion yet (R7).
 */
export function primaryOf(answers: readonly NodeAnswer[]): PrimaryAnswer | undefined {
  return answers
    .filter((answer) => answer.type === 'primary')
    .reduce<PrimaryAnswer | undefined>(
      (best, answer) => (best === undefined || answer.timeline > best.timeline ? answer : best),
      undefined,
    );
}
