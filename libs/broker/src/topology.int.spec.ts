import type { Channel } from 'amqplib';
import { BROKER_MESSAGE_BYTES_MAX, type BrokerUser } from '@eco/contracts';
import { checkTopology } from './management.js';
import { COMMANDS_EXCHANGE, eventQueue, eventQueueOptions, EVENTS_EXCHANGE } from './topology.js';
import { rawConnection, refusal } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await testBroker('topology', ['g1', 'g2']);
});
afterAll(() => broker.dispose());

const options = () => ({ vhost: broker.vhost, groups: broker.groups, brokers: 1 });

describe('brokerDefinitions on a broker', () => {
  it('are accepted again, and leave nothing missing or different', async () => {
    await broker.declare();
    expect(await checkTopology(broker.management, options())).toEqual([]);
  });

  it('let only an unread queue of events drop its oldest messages', async () => {
    const model = await rawConnection(broker.administratorAccess());
    const channel = await model.createConfirmChannel();
    const queue = eventQueue('customers');
    await channel.assertQueue(queue, eventQueueOptions);
    await channel.bindQueue(queue, EVENTS_EXCHANGE, 'customers.*');
    for (let number = 1; number <= 10_100; number += 1) {
      channel.publish(EVENTS_EXCHANGE, 'customers.g1', Buffer.from(String(number)));
    }
    await channel.waitForConfirms();
    expect((await channel.checkQueue(queue)).messageCount).toBe(10_000);
    const oldest = await channel.get(queue, { noAck: true });
    expect(oldest && oldest.content.toString()).toBe('101');
    await model.close();
  });

  it('do not reveal a queue that differs, but checkTopology does', async () => {
    const vhost = broker.vhost;
    await broker.manage('DELETE', `/api/queues/${vhost}/orders.g1`);
    await broker.manage('PUT', `/api/queues/${vhost}/orders.g1`, { durable: true });
    await broker.manage('DELETE', `/api/queues/${vhost}/products.g1`);
    const faults = await checkTopology(broker.management, options());
    expect(faults).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Queue orders\.g1 differs: .*x-delivery-limit is not set and must be 1000000000/),
        'Queue products.g1 is missing.',
        'Queue orders.g1 is not bound to ecomarket.commands by orders.g1.#.',
      ]),
    );
    await broker.manage('DELETE', `/api/queues/${vhost}/orders.g1`);
    await broker.declare();
    expect(await checkTopology(broker.management, options())).toEqual([]);
  });

  it('names the obstacle when the management API refuses', async () => {
    const stranger = { ...broker.management, password: 'wrong' };
    await expect(checkTopology(stranger, options())).rejects.toThrow(/answered 401/);
  });
});

const message = Buffer.from('{}');
const publish = (exchange: string, key: string) => (channel: Channel) =>
  Promise.resolve(channel.publish(exchange, key, message));

/** Each operation is tried as each user. */
const operations: Record<string, (channel: Channel) => Promise<unknown>> = {
  'send orders.g1': publish(COMMANDS_EXCHANGE, 'orders.g1'),
  'send counter.g1': publish(COMMANDS_EXCHANGE, 'counter.g1'),
  'send products.g1': publish(COMMANDS_EXCHANGE, 'products.g1'),
  'send orders.g1 as the branch': publish(COMMANDS_EXCHANGE, 'orders.g1.sucursal-1'),
  'send counter.g1 as the branch': publish(COMMANDS_EXCHANGE, 'counter.g1.sucursal-1'),
  'send products.g1 as the branch': publish(COMMANDS_EXCHANGE, 'products.g1.sucursal-1'),
  'send orders.g1 as another branch': publish(COMMANDS_EXCHANGE, 'orders.g1.sucursal-2'),
  'send orders.g1 as part of the branch': publish(COMMANDS_EXCHANGE, 'orders.g1.x.sucursal-1'),
  'send to an unknown route': publish(COMMANDS_EXCHANGE, 'other.g1'),
  'announce orders.g1': publish(EVENTS_EXCHANGE, 'orders.g1'),
  'announce heartbeats of g1': publish(EVENTS_EXCHANGE, 'beat.g1'),
  'announce orders.g2': publish(EVENTS_EXCHANGE, 'orders.g2'),
  'announce an unknown topic': publish(EVENTS_EXCHANGE, 'other.g1'),
  'send a reply': publish('', 'amq.rabbitmq.reply-to.nobody'),
  'receive replies': (channel) => channel.consume('amq.rabbitmq.reply-to', () => undefined, { noAck: true }),
  'consume orders.g1': (channel) => channel.consume('orders.g1', () => undefined),
  'consume products.g1': (channel) => channel.consume('products.g1', () => undefined),
  'consume orders.g2': (channel) => channel.consume('orders.g2', () => undefined),
  'take a message of orders.g1': (channel) => channel.get('orders.g1'),
  'purge orders.g1': (channel) => channel.purgeQueue('orders.g1'),
  'purge orders.g2': (channel) => channel.purgeQueue('orders.g2'),
  'delete orders.g1': (channel) => channel.deleteQueue('orders.g1'),
  'declare a queue': (channel) => channel.assertQueue('mine'),
  'declare an exchange': (channel) => channel.assertExchange('mine', 'topic'),
  'delete an exchange': (channel) => channel.deleteExchange(COMMANDS_EXCHANGE),
  'bind orders.g1 to events': (channel) => channel.bindQueue('orders.g1', EVENTS_EXCHANGE, '#'),
  'unbind orders.g1': (channel) => channel.unbindQueue('orders.g1', COMMANDS_EXCHANGE, 'orders.g1.#'),
  'subscribe to events': async (channel) => {
    const queue = eventQueue('notifications');
    await channel.assertQueue(queue, eventQueueOptions);
    await channel.bindQueue(queue, EVENTS_EXCHANGE, 'customers.*');
    await channel.consume(queue, () => undefined);
  },
  'subscribe to all events': async (channel) => {
    const queue = eventQueue('notifications');
    await channel.assertQueue(queue, eventQueueOptions);
    await channel.bindQueue(queue, EVENTS_EXCHANGE, '#');
  },
};

const sendsAll = ['send orders.g1', 'send counter.g1', 'send products.g1', 'receive replies'];
/**
 * `receive replies`: the broker lets every user read its pseudo-queue, which has only the replies to the user's own
 * channel.
 */
const allowed: Partial<Record<BrokerUser, string[]>> = {
  central: sendsAll,
  'dead-letter-admin': sendsAll,
  consumers: ['subscribe to events', 'receive replies'],
  'branch.sucursal-1': ['send orders.g1 as the branch', 'send counter.g1 as the branch', 'receive replies'],
  'writer.g1': [
    'announce orders.g1',
    'announce heartbeats of g1',
    'send a reply',
    'receive replies',
    'consume orders.g1',
    'consume products.g1',
    'take a message of orders.g1',
    // The permission to consume includes the permission to purge.
    'purge orders.g1',
  ],
};
const users = Object.keys(allowed) as BrokerUser[];
const cases = users.flatMap((user) => Object.keys(operations).map((operation) => [user, operation] as const));

describe('permissions', () => {
  // ASVS 5.0: 13.2.2
  it.each(cases)('let %s do only these operations: %s', async (user, operation) => {
    const said = await refusal(broker.access(user), operations[operation] as (channel: Channel) => Promise<unknown>);
    if (allowed[user]?.includes(operation) === true) expect(said).toBeUndefined();
    else expect(said).toMatch(/403 \(ACCESS-REFUSED\)|ACCESS_REFUSED/);
  });

  it.each(users)('do not let %s send in the name of another user', async (user) => {
    const [, key = ''] = /^send (\S+)/.exec(allowed[user]?.[0] ?? '') ?? [];
    const exchange = user === 'writer.g1' ? EVENTS_EXCHANGE : COMMANDS_EXCHANGE;
    const routingKey = user === 'writer.g1' ? 'orders.g1' : `${key}${user.startsWith('branch') ? '.sucursal-1' : ''}`;
    const said = await refusal(broker.access(user), (channel) =>
      Promise.resolve(channel.publish(exchange, routingKey, message, { userId: 'somebody-else' })),
    );
    // The consumers' user may not publish at all.
    expect(said).toMatch(user === 'consumers' ? /ACCESS[-_]REFUSED/ : /406 \(PRECONDITION-FAILED\)/);
  });

  // ASVS 5.0: 13.2.3
  it('know no user guest', async () => {
    const guest = { ...broker.administratorAccess(), user: 'guest', password: 'guest' };
    await expect(rawConnection(guest)).rejects.toThrow(/ACCESS[-_]REFUSED/);
    await expect(rawConnection({ ...guest, vhost: '/' })).rejects.toThrow(/ACCESS[-_]REFUSED/);
  });

  it('refuse a message above the limit', async () => {
    const large = Buffer.alloc(BROKER_MESSAGE_BYTES_MAX + 1);
    const said = await refusal(broker.access('central'), (channel) =>
      Promise.resolve(channel.publish(COMMANDS_EXCHANGE, 'orders.g1', large)),
    );
    expect(said).toMatch(/406 \(PRECONDITION-FAILED\)|message size/);
  });
});
