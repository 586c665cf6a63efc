import type { BrokerNode, DatabaseNode, GroupLayout } from '../layout.js';

/**
 * What compose.yaml starts, as its containers see each other: the name of each is its host name, and each listens on the
 * usual port of its kind. Which groups there are beyond the first is for whoever starts it to say.
 */

export const FIRST_GROUP = 'g1';
const NODES_OF_GROUP = 3;
const BROKERS = 3;

export const AMQP_PORT = 5672;
export const MANAGEMENT_PORT = 15_672;
export const POSTGRES_PORT = 5432;

/** Where compose.yaml mounts a container's own files. */
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
