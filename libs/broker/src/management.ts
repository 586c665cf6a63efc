import type { BrokerUser } from '@eco/contracts';
import type { UserLimits } from './permissions.js';
import {
  bindingDefinitions,
  queueDefinitions,
  userDefinition,
  VHOST,
  type BindingDefinition,
  type BrokerDefinitions,
  type QueueDefinition,
  type TopologyOptions,
} from './topology.js';

/** The management API of any node of the cluster, as an administrator. */
export interface Management {
  /** Base address, such as `http://127.0.0.1:15672`. */
  url: string;
  user: string;
  password: string;
}

/** Declares missing users, exchanges and queues. Existing ones stay as they are, so call `checkTopology` afterwards. */
export async function applyDefinitions(management: Management, definitions: BrokerDefinitions): Promise<void> {
  await managementRequest(management, 'POST', '/api/definitions', definitions);
}

/**
 * Compares the existing queues and bindings with those that this version needs. Returns one sentence for each missing
 * or different one. A queue can't be changed in place: an operator must decide what happens to its messages.
 */
export async function checkTopology(management: Management, options: TopologyOptions): Promise<string[]> {
  const vhost = encodeURIComponent(options.vhost ?? VHOST);
  const [queues, bindings] = await Promise.all([
    managementRequest(management, 'GET', `/api/queues/${vhost}`) as Promise<QueueDefinition[]>,
    managementRequest(management, 'GET', `/api/bindings/${vhost}`) as Promise<BindingDefinition[]>,
  ]);
  return [
    ...queueDifferences(queueDefinitions(options), queues),
    ...bindingDifferences(bindingDefinitions(options), bindings),
  ];
}

type FoundQueue = Pick<QueueDefinition, 'name' | 'arguments'> & { durable: boolean };

export function queueDifferences(needed: QueueDefinition[], found: FoundQueue[]): string[] {
  const foundByName = new Map(found.map((queue) => [queue.name, queue]));
  return needed.flatMap(({ name, durable, arguments: args }) => {
    const queue = foundByName.get(name);
    if (!queue) return [`Queue ${name} is missing.`];
    const differences = Object.entries({ durable, ...args }).flatMap(([key, value]) => {
      const has = key === 'durable' ? queue.durable : queue.arguments[key];
      return has === value ? [] : [`${key} is ${has ?? 'not set'} and must be ${value}`];
    });
    const surplus = Object.keys(queue.arguments).filter((key) => !(key in args));
    differences.push(...surplus.map((key) => `${key} is ${queue.arguments[key]} and must not be set`));
    if (differences.length === 0) return [];
    return [`Queue ${name} differs: ${differences.join('; ')}. Empty it, delete it, then start again.`];
  });
}

type FoundBinding = Pick<BindingDefinition, 'source' | 'destination' | 'routing_key'>;

export function bindingDifferences(needed: BindingDefinition[], found: FoundBinding[]): string[] {
  const id = (binding: FoundBinding) => JSON.stringify([binding.source, binding.destination, binding.routing_key]);
  const ids = new Set(found.map(id));
  return needed
    .filter((binding) => !ids.has(id(binding)))
    .map((binding) => `Queue ${binding.destination} is not bound to ${binding.source} by ${binding.routing_key}.`);
}

/** Tags of this login; undefined: nothing answers, or the login is refused. */
export async function whoAmI(management: Management): Promise<string[] | undefined> {
  try {
    return ((await managementRequest(management, 'GET', '/api/whoami')) as { tags: string[] }).tags;
  } catch {
    return undefined;
  }
}

export async function userNames(management: Management): Promise<string[]> {
  return ((await managementRequest(management, 'GET', '/api/users')) as { name: string }[]).map(({ name }) => name);
}

/** Removes a user and closes its connections. Messages that it has sent stay in their queues. */
export async function removeUser(management: Management, user: string): Promise<void> {
  await managementRequest(management, 'DELETE', `/api/users/${encodeURIComponent(user)}`);
}

/** Sets the password of an existing user. Its connections stay open. The password is sent as a salted hash. */
export async function setUserPassword(management: Management, user: BrokerUser, password: string): Promise<void> {
  await managementRequest(management, 'PUT', `/api/users/${encodeURIComponent(user)}`, userDefinition(user, password));
}

/** Closes all connections of a user. */
export async function closeConnections(management: Management, user: BrokerUser): Promise<void> {
  await managementRequest(management, 'DELETE', `/api/connections/username/${encodeURIComponent(user)}`);
}

/** Limits the connections and channels that a user may have open in the whole cluster. */
export async function limitUser(
  management: Management,
  user: string,
  { connections, channels }: UserLimits,
): Promise<void> {
  const path = `/api/user-limits/${encodeURIComponent(user)}`;
  await managementRequest(management, 'PUT', `${path}/max-connections`, { value: connections });
  await managementRequest(management, 'PUT', `${path}/max-channels`, { value: channels });
}

/** Limits the queues that a vhost may have. */
export async function limitQueues(management: Management, vhost: string, queues: number): Promise<void> {
  await managementRequest(management, 'PUT', `/api/vhost-limits/${encodeURIComponent(vhost)}/max-queues`, {
    value: queues,
  });
}

const REQUEST_TIMEOUT_MS = 10_000;

async function managementRequest(
  { url, user, password }: Management,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const text = await response.text();
  if (!response.ok)
    throw new Error(`The broker's management API answered ${response.status} to ${method} ${path}: ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
