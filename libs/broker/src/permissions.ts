import {
  COMMANDS_EXCHANGE,
  consumerNames,
  EVENTS_EXCHANGE,
  eventsNameOf,
  senderNamed,
  topics,
  type BrokerUser,
  type CommandRoute,
} from '@eco/contracts';

/*
 * Permissions of each user on the brokers, as patterns over names and routing keys. They keep a user from queues and
 * exchanges of other users. They can't judge a command: its content may name any kind and branch, and RabbitMQ 3.10
 * does not check the keys in the headers CC and BCC (rabbitmq-server#12553). The writer judges commands by the user's
 * name, in `authority.ts` of @eco/domain.
 */

/** configure = declare and delete; write = publish to an exchange or bind a queue; read = consume a queue or bind to an exchange. */
export interface Permission {
  configure: string;
  write: string;
  read: string;
}

/** Patterns over routing keys: write = publish with it; read = bind by it. */
export type TopicPermission = Omit<Permission, 'configure'>;

const NOTHING = '^$';
const GROUP = '[A-Za-z0-9_-]+';
const COMMANDS = 'ecomarket\\.commands';
const EVENTS = 'ecomarket\\.events';
const EVENT_QUEUES = `events\\.(${consumerNames.join('|')})\\.[0-9a-f]{8}`;
/** The broker's pseudo-queue of replies. A user reads only its own replies from it. */
const REPLY_QUEUE = 'amq\\.rabbitmq\\.reply-to.*';
const CONSUMED_TOPICS = `(${[...topics, 'beat'].join('|')})\\.(\\*|${GROUP})`;

const NONE: Permission = { configure: NOTHING, write: NOTHING, read: NOTHING };
const SENDS_COMMANDS: Permission = { configure: NOTHING, write: `^${COMMANDS}$`, read: `^${REPLY_QUEUE}$` };

export function permissionsOf(user: BrokerUser): Permission {
  switch (user) {
    // No pattern restricts an administrator, because it could grant itself every permission.
    case 'topology':
      return { configure: '.*', write: '.*', read: '.*' };
    case 'operator':
      return NONE;
    case 'central':
    case 'dead-letter-admin':
      return SENDS_COMMANDS;
    // This user declares and binds the queues of its subscriptions.
    case 'consumers':
      return consumes(EVENT_QUEUES);
  }
  const name = eventsNameOf(user);
  // A queue of another consumer has another prefix.
  if (name !== undefined) return consumes(`events\\.${name}\\.[A-Za-z0-9_-]{1,64}`);
  const sender = senderNamed(user);
  if (sender?.type === 'branch') return SENDS_COMMANDS;
  if (sender?.type !== 'writer') return NONE;
  return {
    configure: NOTHING,
    // The default exchange carries replies to callers; `replies.ts` sends nothing else through it.
    write: `^(${EVENTS}|amq\\.default)$`,
    read: `^(orders|products)\\.${escaped(sender.group)}$`,
  };
}

/** Permission to declare these queues, to bind them to the events and to read them. */
function consumes(queues: string): Permission {
  return { configure: `^${queues}$`, write: `^${queues}$`, read: `^(${EVENTS}|${queues})$` };
}

/**
 * Topic permissions of a user, by exchange. An exchange that is not named has no restriction, so every exchange is
 * named for every user except the administrator.
 */
export function topicPermissionsOf(user: BrokerUser): Record<string, TopicPermission> {
  if (user === 'topology') return {};
  return {
    [COMMANDS_EXCHANGE]: { write: commandKeysOf(user), read: NOTHING },
    [EVENTS_EXCHANGE]: { write: eventKeysOf(user), read: isConsumer(user) ? `^${CONSUMED_TOPICS}$` : NOTHING },
  };
}

function isConsumer(user: BrokerUser): boolean {
  return user === 'consumers' || eventsNameOf(user) !== undefined;
}

function commandKeysOf(user: BrokerUser): string {
  const keys = (...routes: CommandRoute[]) => `(${routes.join('|')})\\.${GROUP}`;
  if (user === 'central' || user === 'dead-letter-admin') return `^${keys('orders', 'counter', 'products')}$`;
  const sender = senderNamed(user);
  return sender?.type === 'branch' ? `^${keys('orders', 'counter')}\\.${escaped(sender.branchId)}$` : NOTHING;
}

function eventKeysOf(user: BrokerUser): string {
  const sender = senderNamed(user);
  return sender?.type === 'writer' ? `^(${[...topics, 'beat'].join('|')})\\.${escaped(sender.group)}$` : NOTHING;
}

/** Most connections and channels of a user at the same time, in the whole cluster. */
export interface UserLimits {
  connections: number;
  channels: number;
}

/**
 * Limits of a user, so that a thief of its password can't use up the brokers. A process of Central has two connections,
 * a writer two, a branch one. A broken connection counts until the broker misses its heartbeats, 9 s. The limits are
 * generous, because a channel beyond the limit ends its connection.
 */
export function limitsOf(user: BrokerUser): UserLimits {
  switch (user) {
    case 'operator':
      return { connections: 0, channels: 0 };
    case 'topology':
    case 'central':
    case 'consumers':
      return { connections: 100, channels: 1000 };
    default:
      return eventsNameOf(user) === undefined ? { connections: 40, channels: 400 } : { connections: 10, channels: 100 };
  }
}

/** Escapes an id for a pattern, because the id of a branch may contain dots. */
function escaped(id: string): string {
  return id.replaceAll('.', '\\.');
}
