import type { BrokerNode, DatabaseNode, GroupLayout } from '../layout.js';

/**
 * The containers of compose.yaml as they see each other: a container's name is its host name, and it listens on the
 * usual port of its kind, with TLS. The caller states which groups exist beyond the first.
 */

export const FIRST_GROUP = 'g1';
const NODES_OF_GROUP = 3;
const BROKERS = 3;
const ETCDS = 3;

/** The usual port of AMQP over TLS. */
export const AMQP_PORT = 5671;
/** The forwarder has the broker's ports of a cluster of processes. */
const AMQP_LISTEN = 5672;
export const MANAGEMENT_PORT = 15_672;
export const POSTGRES_PORT = 5432;
export const OPERATORS_PORT = 9000;
export const READ_PORT = 8003;
export const BRANCH_PORT = 8002;
/** Patroni's port, for the other nodes of its group and for operators in a container. */
export const PATRONI_PORT = 8008;
export const ETCD_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
/** Metrics of a broker. */
export const METRICS_PORT = 15_691;

/** Mount point of a container's own files. */
export const FILES_DIR = '/run/eco';

export type Peer = Pick<BrokerNode, 'name' | 'host'>;

export const brokers: readonly Peer[] = namesOf('broker', BROKERS).map((name) => ({ name, host: name }));

/** The nodes of etcd, in which Patroni stores which database is the primary. */
export const etcds: readonly Peer[] = namesOf('etcd', ETCDS).map((name) => ({ name, host: name }));

export function groupOf(id: string): GroupLayout {
  const node = (name: string): DatabaseNode => ({ name, host: name, port: POSTGRES_PORT });
  const [first = '', ...others] = namesOf(id, NODES_OF_GROUP);
  return { id, nodes: [node(first), ...others.map(node)] };
}

const GROUPS_MAX = ['g1', 'g2'];

/** compose.yaml has containers of so many branches. */
const BRANCHES = 3;

/** The container of each branch, in the order of `ECO_BRANCHES`. */
export const BRANCH_CONTAINERS = ['sucursal-api', ...namesOf('sucursal-api', BRANCHES).slice(1)] as const;

/** Ports for operators of the writers, in the forwarder: as of a cluster of processes, with central-api-2 on 9005. */
const WRITERS_LISTEN = [9003, 9004, 9006, 9007];
/** The instances of Central, which nginx reaches by the name `central-api`. */
export const CENTRALS = namesOf('central-api', 2);
export const WRITERS = namesOf('shard-writer', WRITERS_LISTEN.length);
const PROMETHEUS_PORT = 9090;

/** A port of the forwarder, and the port of the container that it leads to. */
export interface Forwarded {
  readonly listen: number;
  readonly host: string;
  readonly port: number;
}

/**
 * Ports of the container `forwarder`: those of the containers without a way out, which publish none themselves.
 * compose.yaml publishes each of them.
 */
export const forwarded: readonly Forwarded[] = [
  ...brokers.flatMap(({ host }, index) => [
    { listen: AMQP_LISTEN + index, host, port: AMQP_PORT },
    { listen: MANAGEMENT_PORT + index, host, port: MANAGEMENT_PORT },
  ]),
  ...GROUPS_MAX.flatMap((id) => groupOf(id).nodes).map(({ host, port }, index) => ({
    ...{ listen: POSTGRES_PORT + index, host, port },
  })),
  ...WRITERS_LISTEN.map((listen, index) => ({ listen, host: `shard-writer-${index + 1}`, port: OPERATORS_PORT })),
  { listen: PROMETHEUS_PORT, host: 'prometheus', port: PROMETHEUS_PORT },
];

function namesOf(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
}
