import type { Channel, ChannelModel } from 'amqplib';
import { eventually } from '@eco/testing';
import { BROKER_MESSAGE_BYTES_MAX, type BrokerUser } from '@eco/contracts';
import { checkTopology } from './management.js';
import { limitsOf } from './permissions.js';
import {
  COMMANDS_EXCHANGE,
  eventQueue,
  eventQueueOptions,
  EVENTS_EXCHANGE,
  policyDefinitions,
  queuesMax,
} from './topology.js';
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
  'branch.sucursal-2': ['send orders.g1 as another branch', 'receive replies'],
  'writer.g2': ['announce orders.g2', 'send a reply', 'receive replies', 'consume orders.g2', 'purge orders.g2'],
};
const users = Object.keys(allowed) as BrokerUser[];
const cases = users.flatMap((user) => Object.keys(operations).map((operation) => [user, operation] as const));

describe('permissions', () => {
  const models = new Map<BrokerUser, ChannelModel>();
  beforeAll(async () => {
    for (const user of users) models.set(user, await rawConnection(broker.access(user)));
  });
  afterAll(() => Promise.all([...models.values()].map((model) => model.close())));
  const as = (user: BrokerUser) => models.get(user) as ChannelModel;

  // ASVS 5.0: 13.2.2
  it.each(cases)('let %s do only these operations: %s', async (user, operation) => {
    const said = await refusal(as(user), operations[operation] as (channel: Channel) => Promise<unknown>);
    if (allowed[user]?.includes(operation) === true) expect(said).toBeUndefined();
    else expect(said).toMatch(/403 \(ACCESS-REFUSED\)|ACCESS_REFUSED/);
  });

  it.each(users)('do not let %s send in the name of another user', async (user) => {
    const [kind = '', id = ''] = user.split(/\.(.*)/);
    const [exchange, routingKey] =
      kind === 'writer'
        ? [EVENTS_EXCHANGE, `orders.${id}`]
        : [COMMANDS_EXCHANGE, kind === 'branch' ? `orders.g1.${id}` : 'orders.g1'];
    const said = await refusal(as(user), (channel) =>
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
    const said = await refusal(as('central'), (channel) =>
      Promise.resolve(channel.publish(COMMANDS_EXCHANGE, 'orders.g1', large)),
    );
    expect(said).toMatch(/406 \(PRECONDITION-FAILED\)|message size/);
  });
});

describe('limits', () => {
  const open: ChannelModel[] = [];
  afterEach(async () => void (await Promise.all(open.splice(0).map((model) => model.close().catch(() => undefined)))));

  async function connect(user: BrokerUser): Promise<ChannelModel> {
    const model = await rawConnection(broker.access(user));
    open.push(model);
    return model;
  }

  it('refuse a connection above those of its user, and accept other users', async () => {
    const { connections } = limitsOf('branch.sucursal-1');
    // The broker counts a connection a moment after it is open, and forgets a closed one as late.
    await eventually('no connection of an earlier test counts', async () => {
      const found = (await broker.manage('GET', '/api/connections')) as { user: string }[];
      return found.every(({ user }) => user !== 'branch.sucursal-1');
    });
    for (let n = 0; n < connections; n += 1) await connect('branch.sucursal-1');
    await expect(connect('branch.sucursal-1')).rejects.toThrow(/ConnectionClose/);
    await (await connect('central')).createChannel();
  });

  it('end a connection that opens more channels than its user may have', async () => {
    const model = await connect('branch.sucursal-1');
    const ended = new Promise<string>((resolve) => model.on('error', (error: Error) => resolve(error.message)));
    const { channels } = limitsOf('branch.sucursal-1');
    let opened = 0;
    const openAll = async () => {
      for (; opened <= channels; opened += 1) await model.createChannel();
      return 'none refused';
    };
    expect(await Promise.race([openAll().catch(() => ended), ended])).toMatch(
      /maximum allowed (user )?limit|NOT_ALLOWED/,
    );
    expect(opened).toBe(channels);
  });

  it('let the operators’ user open no connection', async () => {
    await expect(connect('operator')).rejects.toThrow(/ConnectionClose/);
  });

  it('of length apply to every queue that a user may declare', async () => {
    const model = await connect('consumers');
    const channel = await model.createChannel();
    const queue = eventQueue('customers');
    await channel.assertQueue(queue, { exclusive: true, durable: false });
    const [commands, events] = policyDefinitions();
    const effective = async (name: string) => {
      const found = await broker.manage('GET', `/api/queues/${broker.vhost}/${name}`);
      return (found as { effective_policy_definition?: object }).effective_policy_definition;
    };
    for (const [name, policy] of [
      ['orders.g1', commands],
      ['products.g2', commands],
      [queue, events],
    ] as const) {
      expect([name, await eventually('a policy applies', () => effective(name))]).toEqual([name, policy?.definition]);
    }
  });

  it('of the number of queues hold', async () => {
    const model = await connect('consumers');
    const ended = new Promise<string>((resolve) => model.on('error', (error: Error) => resolve(error.message)));
    const channel = await model.createChannel();
    channel.on('error', () => undefined);
    const most = queuesMax({ groups: broker.groups });
    let declared = 0;
    const declareAll = async () => {
      for (; declared <= most; declared += 1) await channel.assertQueue(eventQueue('customers'), { exclusive: true });
      return 'none refused';
    };
    const said = declareAll().catch((error: Error) => error.message);
    expect(await Promise.race([said, ended])).toMatch(/queue limit|limit .*is reached/);
    expect(declared).toBe(most - 2 * broker.groups.length);
  });
});
