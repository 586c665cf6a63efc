import { z } from 'zod';
import { heartbeatSchema, changeData, changeEventSchema, changeSchema, changeTypeSchema } from './changes.js';
import {
  COMMAND_MESSAGE_VERSION,
  commandKinds,
  commandSchemas,
  MAX_COMMANDS_PER_MESSAGE,
  MAX_MESSAGE_BYTES,
  type CommandKind,
} from './commands.js';
import { formatHistory } from './compatibility.js';
import { commandRoutes, type CommandRoute } from './define-command.js';
import { COMMANDS_EXCHANGE, EVENTS_EXCHANGE } from './exchanges.js';
import { headers } from './headers.js';
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
        'A receiver ignores fields that it does not know, so a newer sender may add optional ones.',
    },
    defaultContentType: 'application/json',
    channels: {
      ...Object.fromEntries(routes.map((route) => [`${route}Commands`, commandChannel(route)])),
      replies: {
        address: null,
        description: "The caller's direct reply-to address (amq.rabbitmq.reply-to). Best effort.",
        messages: { replies: message('Replies') },
      },
      events: {
        address: '{topic}.{group}',
        description: 'One message per batch and topic.',
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
      announceChanges: { action: 'send', channel: reference('channels', 'events') },
      beat: { action: 'send', channel: reference('channels', 'beats') },
    },
    components: { messages, schemas: schemas() },
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
    ...Object.fromEntries(kinds.map((kind) => [kind, jsonSchema(commandSchemas[kind])])),
    ...Object.fromEntries(
      routes.map((route) => [
        `${capital(route)}Commands`,
        {
          type: 'object',
          required: ['version', 'commands'],
          properties: {
            version: { const: COMMAND_MESSAGE_VERSION },
            commands: {
              type: 'array',
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
  return publishedSchema(schema, { target: 'draft-7', io: 'input' });
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
