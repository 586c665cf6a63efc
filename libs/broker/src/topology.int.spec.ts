import { checkTopology } from './management.js';
import { COMMANDS_EXCHANGE, eventQueue, eventQueueOptions, EVENTS_EXCHANGE } from './topology.js';
import { rawConnection, refusal } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';

let broker: TestBroker;
beforeAll(async () => {
  broker = await testBroker('topology');
});
afterAll(() => broker.dispose());

const options = () => ({ vhost: broker.vhost, groups: broker.groups, brokers: 1 });

describe('brokerDefinitions on a broker', () => {
  it('are accepted again, and leave nothing missing or different', async () => {
    await broker.declare();
    expect(await checkTopology(broker.management, options())).toEqual([]);
  });

  it('let only an unread queue of events drop its oldest messages', async () => {
    const model = await rawConnection(broker.operatorAccess());
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

  it('do not reveal a queue that differs; checkTopology does', async () => {
    const vhost = broker.vhost;
    await broker.manage('DELETE', `/api/queues/${vhost}/orders.g1`);
    await broker.manage('PUT', `/api/queues/${vhost}/orders.g1`, { durable: true });
    await broker.manage('DELETE', `/api/queues/${vhost}/products.g1`);
    const faults = await checkTopology(broker.management, options());
    expect(faults).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Queue orders\.g1 differs: .*x-delivery-limit is not set and must be 1000000000/),
        'Queue products.g1 is missing.',
        'Queue orders.g1 is not bound to ecomarket.commands by orders.g1.',
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

describe('permissions', () => {
  const message = Buffer.from('{}');

  it('allow each user its work', async () => {
    const allowed = {
      'central publishes commands': await refusal(broker.access('central'), async (channel) => {
        await Promise.resolve(channel.publish(COMMANDS_EXCHANGE, 'products.g1', message));
      }),
      'central declares, binds and consumes queues of events': await refusal(
        broker.access('central'),
        async (channel) => {
          const queue = eventQueue('notifications');
          await channel.assertQueue(queue, eventQueueOptions);
          await channel.bindQueue(queue, EVENTS_EXCHANGE, 'customers.*');
          await channel.consume(queue, () => undefined);
        },
      ),
      'central and sucursal receive replies': await refusal(broker.access('sucursal'), async (channel) => {
        await channel.consume('amq.rabbitmq.reply-to', () => undefined, { noAck: true });
      }),
      'sucursal publishes orders': await refusal(broker.access('sucursal'), async (channel) => {
        await Promise.resolve(channel.publish(COMMANDS_EXCHANGE, 'orders.g1', message));
      }),
      'writer consumes both queues': await refusal(broker.access('writer'), async (channel) => {
        await channel.consume('orders.g1', () => undefined);
        await channel.consume('products.g1', () => undefined);
      }),
      'writer announces, forwards and answers': await refusal(broker.access('writer'), async (channel) => {
        channel.publish(EVENTS_EXCHANGE, 'orders.g1', message);
        channel.publish(EVENTS_EXCHANGE, 'beat.g1', message);
        channel.publish(COMMANDS_EXCHANGE, 'orders.g2', message);
        await Promise.resolve(channel.publish('', 'amq.rabbitmq.reply-to.nobody', message));
      }),
    };
    expect(allowed).toEqual(Object.fromEntries(Object.keys(allowed).map((what) => [what, undefined])));
  });

  // ASVS 5.0: 13.2.2
  it.each<[string, 'central' | 'sucursal' | 'writer', Parameters<typeof refusal>[1]]>([
    ['sucursal consumes orders', 'sucursal', (channel) => channel.consume('orders.g1', () => undefined)],
    ['central consumes orders', 'central', (channel) => channel.consume('orders.g1', () => undefined)],
    [
      'writer consumes events',
      'writer',
      (channel) => channel.consume('events.notifications.0123abcd', () => undefined),
    ],
    [
      'sucursal publishes about products',
      'sucursal',
      (channel) => Promise.resolve(channel.publish(COMMANDS_EXCHANGE, 'products.g1', message)),
    ],
    [
      'sucursal announces events',
      'sucursal',
      (channel) => Promise.resolve(channel.publish(EVENTS_EXCHANGE, 'orders.g1', message)),
    ],
    [
      'central announces events',
      'central',
      (channel) => Promise.resolve(channel.publish(EVENTS_EXCHANGE, 'orders.g1', message)),
    ],
    [
      'sucursal writes to a queue past the exchange',
      'sucursal',
      (channel) => Promise.resolve(channel.publish('', 'orders.g1', message)),
    ],
    [
      'central writes to a queue past the exchange',
      'central',
      (channel) => Promise.resolve(channel.publish('', 'orders.g1', message)),
    ],
    ['writer deletes a command queue', 'writer', (channel) => channel.deleteQueue('orders.g1')],
    ['central deletes a command queue', 'central', (channel) => channel.deleteQueue('orders.g1')],
    ['sucursal purges a command queue', 'sucursal', (channel) => channel.purgeQueue('orders.g1')],
    ['sucursal declares a queue', 'sucursal', (channel) => channel.assertQueue('mine')],
    [
      'central binds a command queue to events',
      'central',
      (channel) => channel.bindQueue('orders.g1', EVENTS_EXCHANGE, '#'),
    ],
  ])('do not let %s', async (_, user, action) => {
    expect(await refusal(broker.access(user), action)).toMatch(/403 \(ACCESS-REFUSED\)|ACCESS_REFUSED/);
  });

  // ASVS 5.0: 13.2.3
  it('know no guest', async () => {
    const guest = { ...broker.operatorAccess(), user: 'guest', password: 'guest' };
    await expect(rawConnection(guest)).rejects.toThrow(/ACCESS[-_]REFUSED/);
    await expect(rawConnection({ ...guest, vhost: '/' })).rejects.toThrow(/ACCESS[-_]REFUSED/);
  });

  it('do not let a user send in the name of another', async () => {
    expect(
      await refusal(broker.access('sucursal'), (channel) =>
        Promise.resolve(
          channel.publish(COMMANDS_EXCHANGE, 'orders.g1', message, { userId: broker.access('central').user }),
        ),
      ),
    ).toMatch(/406 \(PRECONDITION-FAILED\)/);
  });
});
