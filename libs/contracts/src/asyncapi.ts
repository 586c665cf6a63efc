import { z } from 'zod';
import { heartbeatSchema, changeData, changeEventSchema, changeSchema, changeTypeSchema } from './changes.js';
import {
  COMMAND_MESSAGE_VERSION,
  commandKinds,
  commandSchemas,
  idFieldsOf,
  MAX_COMMANDS_PER_MESSAGE,
  MAX_MESSAGE_BYTES,
  type CommandKind,
} from './commands.js';
import { formatHistory } from './compatibility.js';
import { commandRoutes, type CommandDescriptor, type CommandRoute, type CommandSenders } from './define-command.js';
import { COMMANDS_EXCHANGE, EVENTS_EXCHANGE, VHOST } from './exchanges.js';
import { fieldMeanings } from './field-meanings.js';
import { headers } from './headers.js';
import { commandLinesSchema } from './order-lines.js';
import { publishedSchema } from './published-schema.js';
import { replyMessageSchema } from './outcomes.js';
import { topics } from './topics.js';

type JsonObject = Record<string, unknown>;

const BINDING_VERSION = '0.3.0';
const routes = Object.keys(commandRoutes) as CommandRoute[];

/**
 * AsyncAPI 3.0 document of all messages on the brokers, from the view of a shard writer: it receives commands, replies
 * to callers and announces changes. It is built from the schemas that check the messages.
 */
export function asyncApiDocument({ version = '0.1.0' }: { version?: string } = {}): JsonObject {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'EcoMarket messages',
      version,
      description:
        'Seen from the shard writer of a database group. Commands are persistent, mandatory and confirmed; they ' +
        'may arrive twice and take effect once. Events only announce what GET /changes has in order, and may be dropped. ' +
        'A receiver ignores fields that it does not know, so a newer sender may add optional ones. A consumer of events ' +
        'receives changes and heartbeats: see docs/clients.md. Commands are internal: only the ' +
        "APIs of EcoMarket and its command line may send them, and each broker user only its own. Other programs use the APIs' " +
        'HTTP operations, which make the commands.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      tags: [
        { name: 'commands', description: 'Internal: from the APIs to the writers' },
        { name: 'events', description: 'For consumers: what was decided' },
      ],
    },
    defaultContentType: 'application/json',
    servers: {
      brokers: brokerServer('amqp', 'Any node of the cluster'),
      brokersWithTls: brokerServer('amqps', 'Any node of the cluster, if the chain has TLS'),
    },
    channels: {
      ...Object.fromEntries(routes.map((route) => [`${route}Commands`, commandChannel(route)])),
      replies: {
        address: null,
        description:
          "The caller's direct reply-to address (amq.rabbitmq.reply-to). Best effort. A command that becomes a dead letter " +
          'gets a reply, too, if its stamp and `reply: true` can be read. A message that is no message of commands gets none.',
        messages: { replies: message('Replies') },
      },
      events: {
        address: '{topic}.{group}',
        description:
          'One message per batch and topic. A consumer declares an exclusive queue `events.<name>.<own>` and binds it by ' +
          '`<topic>.*` or `<topic>.<group>`, and by `beat.*`. The queue drops the oldest messages beyond 10,000.',
        parameters: { topic: { enum: topics, description: 'What it is about' }, group },
        bindings: routingKeyOf(EVENTS_EXCHANGE),
        messages: { changeEvent: message('ChangeEvent') },
      },
      beats: {
        address: 'beat.{group}',
        description: 'Each second from the active writer.',
        parameters: { group },
        bindings: routingKeyOf(EVENTS_EXCHANGE),
        messages: { beat: message('Beat') },
      },
    },
    operations: {
      ...Object.fromEntries(
        routes.map((route) => [
          `receive${capital(route)}Commands`,
          {
            action: 'receive',
            title: `Commands by the route ${route}`,
            summary: 'Internal: decides commands',
            tags: [{ name: 'commands' }],
            channel: reference('channels', `${route}Commands`),
            messages: [reference('channels', `${route}Commands`, 'messages', 'commands')],
            reply: {
              address: { location: '$message.header#/replyTo' },
              channel: reference('channels', 'replies'),
              messages: [reference('channels', 'replies', 'messages', 'replies')],
            },
          },
        ]),
      ),
      announceChanges: {
        action: 'send',
        title: 'Changes',
        summary: 'Announces what a batch changed',
        tags: [{ name: 'events' }],
        channel: reference('channels', 'events'),
      },
      beat: {
        action: 'send',
        title: 'Heartbeats',
        summary: 'States the last batch of each topic, so that a lost event is noticed',
        tags: [{ name: 'events' }],
        channel: reference('channels', 'beats'),
      },
    },
    components: {
      messages,
      schemas: schemas(),
      securitySchemes: {
        brokerUser: {
          type: 'userPassword',
          description:
            'Each program has a broker user of its own. That of a consumer of events is made by ' +
            '`eco users add --events <name>`; it may declare and read its queues and bind them to the events, nothing else.',
        },
      },
    },
  };
}

function brokerServer(protocol: 'amqp' | 'amqps', description: string): JsonObject {
  return {
    host: '{host}:{port}',
    pathname: `/${VHOST}`,
    protocol,
    protocolVersion: '0-9-1',
    description: `${description}. The virtual host is ${VHOST}.`,
    variables: {
      host: { default: 'localhost', description: 'Host name of a broker' },
      port: { default: '5672', description: 'Port of that broker for messages' },
    },
    security: [reference('components', 'securitySchemes', 'brokerUser')],
  };
}

const group = { description: 'Database group, such as g1' };

function commandChannel(route: CommandRoute): JsonObject {
  return {
    address: `${route}.{group}`,
    description: `Routing key of ${COMMANDS_EXCHANGE}; it leads to the quorum queue ${commandRoutes[route]}.{group}.`,
    parameters: { group },
    bindings: routingKeyOf(COMMANDS_EXCHANGE),
    messages: { commands: message(`${capital(route)}Commands`) },
  };
}

function routingKeyOf(exchange: string): JsonObject {
  return {
    amqp: {
      is: 'routingKey',
      exchange: { name: exchange, type: 'topic', durable: true, autoDelete: false },
      bindingVersion: BINDING_VERSION,
    },
  };
}

const messages: JsonObject = {
  ...Object.fromEntries(
    routes.map((route) => [
      `${capital(route)}Commands`,
      {
        name: `${route}Commands`,
        title: `Commands that come by the route ${route}`,
        summary: `1 to ${MAX_COMMANDS_PER_MESSAGE} commands, gathered while a confirm was outstanding; at most about ${MAX_MESSAGE_BYTES} bytes`,
        description: formatHistory('commands'),
        headers: {
          type: 'object',
          properties: {
            messageId: { type: 'string', description: 'Identifies a returned message' },
            userId: { type: 'string', description: 'Broker user that published it, validated by the broker' },
            replyTo: { type: 'string', description: 'Reply address of callers whose command requests a reply' },
          },
        },
        payload: reference('components', 'schemas', `${capital(route)}Commands`),
      },
    ]),
  ),
  Replies: {
    name: 'replies',
    title: "All replies of one batch to one caller's process",
    description: formatHistory('replies'),
    payload: reference('components', 'schemas', 'Replies'),
  },
  ChangeEvent: {
    name: 'changeEvent',
    title: 'What one batch changed under one topic',
    description: formatHistory('changeEvent'),
    headers: {
      type: 'object',
      properties: {
        [headers.position]: {
          type: 'string',
          description: 'Position for reading the effects of the batch, as a request header',
        },
      },
    },
    payload: reference('components', 'schemas', 'ChangeEvent'),
  },
  Beat: {
    name: 'beat',
    title: 'The last batch of each topic',
    description: formatHistory('beat'),
    payload: reference('components', 'schemas', 'Beat'),
  },
};

function schemas(): JsonObject {
  const kinds = Object.keys(commandKinds) as CommandKind[];
  return {
    ...Object.fromEntries(kinds.map((kind) => [kind, commandDocument(kind)])),
    ...Object.fromEntries(
      routes.map((route) => [
        `${capital(route)}Commands`,
        {
          type: 'object',
          required: ['version', 'commands'],
          properties: {
            version: { const: COMMAND_MESSAGE_VERSION, description: fieldMeanings['version'] },
            commands: {
              type: 'array',
              description: fieldMeanings['commands'],
              minItems: 1,
              maxItems: MAX_COMMANDS_PER_MESSAGE,
              items: {
                oneOf: kinds
                  .filter((kind) => commandKinds[kind].route === route)
                  .map((kind) => reference('components', 'schemas', kind)),
              },
            },
          },
        },
      ]),
    ),
    ...Object.fromEntries(
      changeTypeSchema.options.map((type) => [
        type,
        jsonSchema(changeSchema.extend({ type: z.literal(type), data: changeData[type] })),
      ]),
    ),
    ChangeEvent: {
      ...jsonSchema(changeEventSchema),
      properties: {
        ...(jsonSchema(changeEventSchema).properties as JsonObject),
        changes: {
          type: 'array',
          description: fieldMeanings['changes'],
          items: { oneOf: changeTypeSchema.options.map((type) => reference('components', 'schemas', type)) },
        },
      },
    },
    Beat: jsonSchema(heartbeatSchema),
    Replies: jsonSchema(replyMessageSchema),
  };
}

/**
 * The schema of a message as it is sent, before transforms (ids in lower case) and defaults. AsyncAPI's own dialect is
 * draft 7.
 */
function jsonSchema(schema: z.ZodType): JsonObject {
  return described(publishedSchema(schema, { target: 'draft-7', io: 'input' })) as JsonObject;
}

/** The schema with the meaning of each field that has no description. */
function described(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(described);
  if (typeof json !== 'object' || json === null) return json;
  const { properties, ...rest } = json as JsonObject;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, described(value)]));
  if (typeof properties !== 'object' || properties === null) return inner;
  const fields = Object.entries(properties).map(([name, field]) => {
    const description = fieldMeanings[name];
    return [name, { ...(description !== undefined && { description }), ...(described(field) as JsonObject) }];
  });
  return { ...inner, properties: Object.fromEntries(fields) as JsonObject };
}

/** A kind of command, with the rules that its schema can't state. */
function commandDocument(kind: CommandKind): JsonObject {
  const { key, makes, senders, body } = commandKinds[kind] as CommandDescriptor;
  const routed = ['formerIds', ...idFieldsOf(kind).map((field) => `body.${field}`)].join(', ');
  const rules = [
    `Sent by ${sendersText(senders)} only; from others it becomes a dead letter.`,
    `Ids in ${routed} have the first 12 bits of the MD5 of body.${key} after the version digit.`,
    ...(makes === undefined ? [] : [`body.${makes} is the id of the command.`]),
    ...(body.shape['lines'] === commandLinesSchema ? ['No two lines name the same product.'] : []),
    'The stamp is one of its sender, at most five minutes ahead of the clock of the group (entries of branches may be further).',
    `The command has at most ${MAX_MESSAGE_BYTES} characters as JSON.`,
    'Each rule that is broken makes it a dead letter, and its sender gets that as the reply.',
  ];
  return { ...jsonSchema(commandSchemas[kind]), description: `Internal. ${rules.join(' ')}`, 'x-senders': senders };
}

function sendersText(senders: CommandSenders): string {
  switch (senders) {
    case 'central':
      return 'the head office';
    case 'dead-letter-admin':
      return 'the user dead-letter-admin';
    case 'nobody':
      return 'the writer itself';
    default:
      return 'the head office and by branches for their own objects';
  }
}

function message(name: string): JsonObject {
  return reference('components', 'messages', name);
}

function reference(...path: string[]): JsonObject {
  return { $ref: `#/${path.join('/')}` };
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
