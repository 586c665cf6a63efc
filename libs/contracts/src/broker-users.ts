import { z } from 'zod';
import { consumerNames } from './consumer-declarations.js';
import { branchIdSchema, groupIdSchema } from './primitives.js';

/*
 * Users of the brokers. The broker refuses a message whose `user_id` is not the user of its connection. So the name on
 * a message shows its sender, whatever the content says.
 */

/**
 * - `topology`: an administrator. The start declares users, exchanges and queues as this user; no other process uses
 *   it.
 * - `operator`: for people. It may read everything and change nothing.
 * - `central`: Central's commands. `consumers`: its consumers of events.
 * - `dead-letter-admin`: replays and discards of dead letters.
 * - `branch.<id>`: one per branch. `writer.<group>`: the writers of one group.
 * - `events.<name>`: a consumer of events that is no part of EcoMarket. An operator adds it with `eco users add --events`.
 */
export type BrokerUser = (typeof commonUsers)[number] | `branch.${string}` | `writer.${string}` | EventsUser;
export type EventsUser = `events.${string}`;

/** Name of a consumer of events. It has no dot, because it is part of the names of queues. */
export const eventsNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits or "-", and begin with no "-"')
  // These are consumers of EcoMarket itself.
  .refine((name) => !consumerNames.some((own) => own === name), 'is the name of a consumer of EcoMarket');

export function eventsUser(name: string): EventsUser {
  return `events.${name}`;
}

/** The name in such a user. Undefined: it is another user. */
export function eventsNameOf(user: string): string | undefined {
  const name = afterPrefix(user, 'events.');
  return name !== undefined && eventsNameSchema.safeParse(name).success ? name : undefined;
}

/** Broker users that every chain has. */
const commonUsers = ['topology', 'operator', 'central', 'consumers', 'dead-letter-admin'] as const;

/** All broker users of a chain with these branches and groups. */
export function brokerUsersOf(chain: {
  readonly branchIds: readonly string[];
  readonly groupIds: readonly string[];
}): BrokerUser[] {
  return [...commonUsers, ...chain.branchIds.map(branchUser), ...chain.groupIds.map(writerUser)];
}

export function branchUser(branchId: string): BrokerUser {
  return `branch.${branchId}`;
}

export function writerUser(group: string): BrokerUser {
  return `writer.${group}`;
}

/**
 * The user of all branches in earlier versions. It is deleted at the start, so only messages from before an upgrade have
 * this name.
 */
export const FORMER_BRANCH_USER = 'sucursal';

/** Sender of a command, as the name of its broker user shows it. */
export type Sender =
  | { readonly type: 'central' | 'dead-letter-admin' | 'former-branch' }
  | { readonly type: 'branch'; readonly branchId: string }
  | { readonly type: 'writer'; readonly group: string };

/** Sender with this user name. Undefined: the user is none of those that send commands. */
export function senderNamed(user: string): Sender | undefined {
  if (user === 'central' || user === 'dead-letter-admin') return { type: user };
  if (user === FORMER_BRANCH_USER) return { type: 'former-branch' };
  const branchId = afterPrefix(user, 'branch.');
  if (branchId !== undefined)
    return branchIdSchema.safeParse(branchId).success ? { type: 'branch', branchId } : undefined;
  const group = afterPrefix(user, 'writer.');
  return group !== undefined && groupIdSchema.safeParse(group).success ? { type: 'writer', group } : undefined;
}

function afterPrefix(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}
