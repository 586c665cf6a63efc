import { Parser } from '@asyncapi/parser';
import { asyncApiDocument } from '@eco/contracts';
import { commandQueue, COMMANDS_EXCHANGE, EVENTS_EXCHANGE, heartbeatRoutingKey } from './topology.js';

const ERROR = 0;

/** The parser's diagnostics for a document. */
async function errors(document: object): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(JSON.stringify(document));
  return diagnostics
    .filter(({ severity }) => Number(severity) === ERROR)
    .map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('asyncApiDocument', () => {
  it('is AsyncAPI', async () => {
    expect(await errors(asyncApiDocument())).toEqual([]);
  });

  it.each<[string, (document: Broken) => void]>([
    ['an action that there is not', ({ operations }) => (operations.announceChanges.action = 'shout')],
    ['a channel that there is not', ({ operations }) => (operations.beat.channel.$ref = '#/channels/nowhere')],
    ['a schema of no type', ({ components }) => (components.schemas.Beat.type = 'beat')],
    ['a document without a title', ({ info }) => delete info.title],
  ])('would be rejected with %s', async (_, breakIt) => {
    const document = asyncApiDocument() as unknown as Broken;
    breakIt(document);
    expect(await errors(document)).not.toEqual([]);
  });

  it('uses the names of the broker', () => {
    const { channels } = asyncApiDocument() as unknown as { channels: Record<string, Channel> };
    expect(channels.ordersCommands?.address).toBe(commandQueue('orders', '{group}'));
    expect(channels.productsCommands?.address).toBe(commandQueue('products', '{group}'));
    expect(channels.beats?.address).toBe(heartbeatRoutingKey('{group}'));
    expect(channels.ordersCommands?.bindings.amqp.exchange.name).toBe(COMMANDS_EXCHANGE);
    expect(channels.events?.bindings.amqp.exchange.name).toBe(EVENTS_EXCHANGE);
  });
});

interface Channel {
  address: string;
  bindings: { amqp: { exchange: { name: string } } };
}

interface Broken {
  info: { title?: string };
  operations: { announceChanges: { action: string }; beat: { channel: { $ref: string } } };
  components: { schemas: { Beat: { type: string } } };
}
