import { createHash, randomBytes } from 'node:crypto';
import {
  COMMANDS_EXCHANGE,
  commandRoutes,
  consumerDeclarations,
  EVENTS_EXCHANGE,
  VHOST,
  type BrokerUser,
  type CommandRoute,
  type ConsumerName,
  type QueueKind,
  type Topic,
} from '@eco/contracts';
import { permissionsOf, topicPermissionsOf, type Permission } from './permissions.js';

export { COMMANDS_EXCHANGE, EVENTS_EXCHANGE, VHOST };

/**
 * Exchanges, queues and permissions on the brokers.
 *
 *   ecomarket.commands (topic) ── orders.<group>.# ──▶ quorum queue orders.<group>   one reader: the group's leader
 *                              ├─ products.<group>.# ─▶ quorum queue products.<group>
 *                              └─ counter.<group>.# ──▶ the same
 *   ecomarket.events (topic) ─── <topic>.<group> ──▶ exclusive queue events.<consumer>.<own>  one per subscription, bounded
 *                             └─ beat.<group> ─────▶ the same
 *
 * Few queues on purpose: a broker's cost is per Raft round. Both exchanges are topic exchanges, so that the broker can
 * hold each user to its own routing keys. A branch adds its id to the keys: `orders.<group>.<branch>`.
 */

export function commandQueue(kind: QueueKind, group: string): string {
  return `${kind}.${group}`;
}

/** `branchId`: id of the branch that sends. Undefined: the sender is not a branch. */
export function commandRoutingKey(route: CommandRoute, group: string, branchId?: string): string {
  return branchId === undefined ? `${route}.${group}` : `${route}.${group}.${branchId}`;
}

export function eventRoutingKey(topic: Topic, group: string): string {
  return `${topic}.${group}`;
}

export function heartbeatRoutingKey(group: string): string {
  return `beat.${group}`;
}

/** Each subscription has its own name: the queue belongs to its connection and is deleted with it. */
export function eventQueue(consumer: ConsumerName): string {
  return `events.${consumer}.${randomBytes(4).toString('hex')}`;
}

/** Bindings of a consumer's queue: its topics, and the heartbeats, which reveal a gap even when no event follows. */
export function eventBindings(consumer: ConsumerName): string[] {
  return [...consumerDeclarations[consumer].topics.map((topic) => `${topic}.*`), 'beat.*'];
}

/**
 * Only the writer creates dead letters, never the broker: RabbitMQ 4.x drops a message after 20 deliveries by default.
 * The limit is explicit also because a requeued message keeps its place only if a limit exists. -1 means none only from
 * 4.0 on, so this is a number that is never reached: 30 years of one delivery a second.
 */
const DELIVERY_LIMIT = 1_000_000_000;

/** Quorum queues get slower above five members, and a group cannot have more members than the cluster has brokers. */
const MAX_QUORUM_MEMBERS = 5;

function commandQueueArguments(brokers: number): Record<string, string | number> {
  return {
    'x-queue-type': 'quorum',
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-quorum-initial-group-size': Math.min(brokers, MAX_QUORUM_MEMBERS),
  };
}

/**
 * An event only announces what GET /changes has in order, so its queue need not outlive the subscriber's connection.
 * The queue is on the connected broker; if that is lost, the next connection declares another one. If a subscriber does
 * not keep up, its queue drops the oldest events instead of filling the broker: 10,000 events are a few minutes at full
 * load.
 */
export const eventQueueOptions = {
  exclusive: true,
  durable: false,
  arguments: {
    'x-queue-type': 'classic',
    'x-max-length': 10_000,
    'x-max-length-bytes': 64 * 1024 * 1024,
    'x-overflow': 'drop-head',
  },
} as const;

/**
 * Limits of each command queue. A message takes about 80 bytes of a broker's memory, wherever its content is. A full queue refuses messages by a negative confirm: Central keeps its orders in the
 * journal, and other requests get 503. Without a limit, one flooded queue fills the disks, and the brokers' alarm then
 * blocks every publisher. They are a policy, because the arguments of a queue can't be changed in place.
 */
const COMMAND_QUEUE_LIMITS = { 'max-length': 2_000_000, 'max-length-bytes': 4 * 1024 ** 3 };

/** Queues in a vhost beyond the command queues. A subscription has one, so this bounds what a stolen password may declare. */
const EVENT_QUEUES_MAX = 500;

export interface TopologyOptions {
  /** Default `ecomarket`. Each test has a vhost of its own. */
  vhost?: string;
  groups: string[];
  /** Nodes of the broker cluster. */
  brokers: number;
}

export interface QueueDefinition {
  name: string;
  vhost: string;
  durable: true;
  auto_delete: false;
  arguments: Record<string, string | number>;
}

export interface BindingDefinition {
  source: string;
  vhost: string;
  destination: string;
  destination_type: 'queue';
  routing_key: string;
  arguments: Record<string, never>;
}

export interface PolicyDefinition {
  name: string;
  vhost: string;
  pattern: string;
  'apply-to': 'queues';
  definition: Record<string, string | number>;
  priority: number;
}

/** Body of `POST /api/definitions`. */
export interface BrokerDefinitions {
  vhosts: { name: string }[];
  exchanges: {
    name: string;
    vhost: string;
    type: 'topic';
    durable: true;
    auto_delete: false;
    internal: false;
    arguments: Record<string, never>;
  }[];
  queues: QueueDefinition[];
  bindings: BindingDefinition[];
  users: { name: string; password_hash: string; hashing_algorithm: string; tags: string }[];
  policies: PolicyDefinition[];
  permissions: ({ user: string; vhost: string } & Permission)[];
  topic_permissions: { user: string; vhost: string; exchange: string; write: string; read: string }[];
}

export function queueDefinitions({ vhost = VHOST, groups, brokers }: TopologyOptions): QueueDefinition[] {
  return groups
    .flatMap((group) => [commandQueue('orders', group), commandQueue('products', group)])
    .map((name) => ({
      name,
      vhost,
      durable: true,
      auto_delete: false,
      arguments: commandQueueArguments(brokers),
    }));
}

export function bindingDefinitions({ vhost = VHOST, groups }: TopologyOptions): BindingDefinition[] {
  return groups.flatMap((group) =>
    routes.map((route) => ({
      source: COMMANDS_EXCHANGE,
      vhost,
      destination: commandQueue(commandRoutes[route], group),
      destination_type: 'queue' as const,
      // `#` also matches nothing.
      routing_key: `${commandRoutingKey(route, group)}.#`,
      arguments: {},
    })),
  );
}

/**
 * Limits of every queue. The policy of the queues of events repeats their arguments, because a user that may declare such a
 * queue may omit them.
 */
export function policyDefinitions({ vhost = VHOST }: Pick<TopologyOptions, 'vhost'> = {}): PolicyDefinition[] {
  const policy = (name: string, pattern: string, definition: PolicyDefinition['definition']): PolicyDefinition => ({
    name,
    vhost,
    pattern,
    'apply-to': 'queues',
    definition,
    priority: 0,
  });
  const { arguments: events } = eventQueueOptions;
  return [
    policy('command-queues', '^(orders|products)\\.', { ...COMMAND_QUEUE_LIMITS, overflow: 'reject-publish' }),
    policy('event-queues', '^events\\.', {
      'max-length': events['x-max-length'],
      'max-length-bytes': events['x-max-length-bytes'],
      overflow: events['x-overflow'],
    }),
  ];
}

/** Most queues that a vhost may have. */
export function queuesMax({ groups }: Pick<TopologyOptions, 'groups'>): number {
  return groups.length * new Set(Object.values(commandRoutes)).size + EVENT_QUEUES_MAX;
}

/**
 * Declares everything durable: vhost, exchanges, command queues, their limits, bindings, users and permissions. Passwords are sent as
 * salted hashes. What exists stays. A queue that differs is left unchanged without an error, so `checkTopology` runs
 * afterwards.
 */
export function brokerDefinitions({
  passwords,
  ...options
}: TopologyOptions & { passwords: ReadonlyMap<BrokerUser, string> }): BrokerDefinitions {
  const { vhost = VHOST, groups } = options;
  const exchange = (name: string): BrokerDefinitions['exchanges'][number] => ({
    name,
    vhost,
    type: 'topic',
    durable: true,
    auto_delete: false,
    internal: false,
    arguments: {},
  });
  return {
    vhosts: [{ name: vhost }],
    policies: policyDefinitions({ vhost }),
    exchanges: [exchange(COMMANDS_EXCHANGE), exchange(EVENTS_EXCHANGE)],
    queues: queueDefinitions({ ...options, vhost, groups }),
    bindings: bindingDefinitions({ ...options, vhost, groups }),
    ...userDefinitions(passwords, vhost),
  };
}

/** The part of `brokerDefinitions` that declares users. */
export function userDefinitions(
  passwords: ReadonlyMap<BrokerUser, string>,
  vhost = VHOST,
): Pick<BrokerDefinitions, 'users' | 'permissions' | 'topic_permissions'> {
  const users = [...passwords.keys()];
  return {
    users: [...passwords].map(([name, password]) => userDefinition(name, password)),
    permissions: users.map((user) => ({ user, vhost, ...permissionsOf(user) })),
    topic_permissions: users.flatMap((user) =>
      Object.entries(topicPermissionsOf(user)).map(([name, may]) => ({ user, vhost, exchange: name, ...may })),
    ),
  };
}

export function userDefinition(name: BrokerUser, password: string): BrokerDefinitions['users'][number] {
  return {
    name,
    password_hash: passwordHash(password),
    hashing_algorithm: 'rabbit_password_hashing_sha256',
    tags: tagOf(name),
  };
}

function tagOf(user: BrokerUser): string {
  if (user === 'topology') return 'administrator';
  return user === 'operator' ? 'monitoring' : '';
}

/** RabbitMQ's `rabbit_password_hashing_sha256`: base64 of a 4-byte salt and SHA-256(salt, password). */
export function passwordHash(password: string, salt: Buffer = randomBytes(4)): string {
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password, 'utf8').digest()]).toString('base64');
}

const routes = Object.keys(commandRoutes) as CommandRoute[];
