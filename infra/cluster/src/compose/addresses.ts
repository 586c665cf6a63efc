import type { BrokerNode, DatabaseNode, GroupLayout } from '../layout.js';

/**
 * The containers of compose.yaml as they see each other: a container's name is its host name, and it listens on the
 * usual port of its kind. The caller states which groups exist beyond the first.
 */

export const FIRST_GROUP = 'g1';
const NODES_OF_GROUP = 3;
const BROKERS = 3;

export const AMQP_PORT = 5672;
export const MANAGEMENT_PORT = 15_672;
export const POSTGRES_PORT = 5432;
export const OPERATORS_PORT = 9000;

/** Mount point of a container's own files. */
export const FILES_DIR = '/run/eco';

export type Peer = Pick<BrokerNode, 'name' | 'host'>;

export const brokers: readonly Peer[] = namesOf('broker', BROKERS).map((name) => ({ name, host: name }));

export function groupOf(id: string): GroupLayout {
  const node = (name: string): DatabaseNode => ({ name, host: name, port: POSTGRES_PORT });
  const [first = '', ...others] = namesOf(id, NODES_OF_GROUP);
  return { id, nodes: [node(first), ...others.map(node)] };
}

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}
