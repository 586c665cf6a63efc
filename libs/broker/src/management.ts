import type { BrokerUser } from '@eco/contracts';
import { manage, type Management } from './management-client.js';
import { limitsOf, type UserLimits } from './permissions.js';
import {
  bindingDefinitions,
  queueDefinitions,
  userDefinition,
  userDefinitions,
  VHOST,
  type BindingDefinition,
  type BrokerDefinitions,
  type QueueDefinition,
  type TopologyOptions,
} from './topology.js';

/** Declares missing users, exchanges and queues. Existing ones stay as they are, so call `checkTopology` afterwards. */
export async function applyDefinitions(management: Management, definitions: Partial<BrokerDefinitions>): Promise<void> {
  await manage(management, '/api/definitions', { method: 'POST', body: definitions });
}

/**
 * Compares the existing queues and bindings with those that this version needs. Returns one sentence for each missing
 * or different one. A queue can't be changed in place: an operator must decide what happens to its messages.
 */
export async function checkTopology(management: Management, options: TopologyOptions): Promise<string[]> {
  const vhost = encodeURIComponent(options.vhost ?? VHOST);
  const [queues, bindings] = await Promise.all([
    manage(management, `/api/queues/${vhost}`) as Promise<QueueDefinition[]>,
    manage(management, `/api/bindings/${vhost}`) as Promise<BindingDefinition[]>,
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

/** Number of running brokers that this broker sees, including itself. Throws if it does not answer. */
export async function runningBrokers(management: Management): Promise<number> {
  const nodes = (await manage(management, '/api/nodes')) as { running: boolean }[];
  return nodes.filter(({ running }) => running).length;
}

/** Tags of this login; undefined: nothing answers, or the login is refused. */
export async function whoAmI(management: Management): Promise<string[] | undefined> {
  try {
    return ((await manage(management, '/api/whoami')) as { tags: string[] }).tags;
  } catch {
    return undefined;
  }
}

export async function userNames(management: Management): Promise<string[]> {
  return ((await manage(management, '/api/users')) as { name: string }[]).map(({ name }) => name);
}

/** Adds a user with its permissions and limits. The password is sent as a salted hash. */
export async function addUser(management: Management, user: BrokerUser, password: string): Promise<void> {
  await applyDefinitions(management, userDefinitions(new Map([[user, password]])));
  await limitUser(management, user, limitsOf(user));
}

/** Removes a user and closes its connections. Messages that it has sent stay in their queues. */
export async function removeUser(management: Management, user: string): Promise<void> {
  await manage(management, `/api/users/${encodeURIComponent(user)}`, { method: 'DELETE' });
}

/** Sets the password of an existing user. Its connections stay open. The password is sent as a salted hash. */
export async function setUserPassword(management: Management, user: BrokerUser, password: string): Promise<void> {
  await manage(management, `/api/users/${encodeURIComponent(user)}`, {
    method: 'PUT',
    body: userDefinition(user, password),
  });
}

/** Closes all connections of a user. */
export async function closeConnections(management: Management, user: BrokerUser): Promise<void> {
  await manage(management, `/api/connections/username/${encodeURIComponent(user)}`, { method: 'DELETE' });
}

/** Limits the connections and channels that a user may have open in the whole cluster. */
export async function limitUser(
  management: Management,
  user: string,
  { connections, channels }: UserLimits,
): Promise<void> {
  const path = `/api/user-limits/${encodeURIComponent(user)}`;
  await manage(management, `${path}/max-connections`, { method: 'PUT', body: { value: connections } });
  await manage(management, `${path}/max-channels`, { method: 'PUT', body: { value: channels } });
}

/** Limits the queues that a vhost may have. */
export async function limitQueues(management: Management, vhost: string, queues: number): Promise<void> {
  await manage(management, `/api/vhost-limits/${encodeURIComponent(vhost)}/max-queues`, {
    method: 'PUT',
    body: { value: queues },
  });
}
