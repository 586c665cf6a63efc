import type { ChannelModel } from 'amqplib';
import { eventually } from '@eco/testing';
import { BrokerConnection } from './connection.js';
import { CommandConsumer } from './command-consumer.js';
import type { Delivery } from './delivery.js';
import { applyDefinitions } from './management.js';
import { Proxy } from './test/proxy.js';
import { rawConnection } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';
import { brokerDefinitions, COMMANDS_EXCHANGE } from './topology.js';

let broker: TestBroker;
let proxy: Proxy;
let sender: ChannelModel;
const running: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  broker = await testBroker('consumer');
  proxy = new Proxy(broker.address);
  await proxy.mend();
  sender = await rawConnection(broker.administratorAccess());
});
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
  await sender.close();
  await proxy.cut();
  await broker.dispose();
});

function startConsumer(options: { prefetch?: number } = {}): CommandConsumer {
  return start(options).consumer;
}

function start({ prefetch }: { prefetch?: number }): { connection: BrokerConnection; consumer: CommandConsumer } {
  const connection = new BrokerConnection({ access: broker.access('writer.g1', [proxy.address]), name: 'consumer' });
  const consumer = new CommandConsumer({ connection, group: 'g1', ...(prefetch ? { prefetch } : {}) });
  running.push(connection, consumer);
  connection.start();
  consumer.start();
  return { connection, consumer };
}

async function send(routingKey: string, contents: (object | Buffer)[], properties = {}): Promise<void> {
  const channel = await sender.createConfirmChannel();
  for (const content of contents) {
    const body = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    channel.publish(COMMANDS_EXCHANGE, routingKey, body, { persistent: true, ...properties });
  }
  await channel.waitForConfirms();
  await channel.close();
}

/** Numbered messages. */
const numbered = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ number: from + index }));

function numbers(deliveries: Delivery[]): number[] {
  return deliveries.map(({ content }) =>
    content.type === 'json' ? (content.value as { number: number }).number : NaN,
  );
}

/** Takes messages until `count` of them have arrived. */
async function takeAll(consumer: CommandConsumer, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  const deadline = AbortSignal.timeout(60_000);
  while (deliveries.length < count && !deadline.aborted) deliveries.push(...(await consumer.take(100, deadline)));
  return deliveries;
}

/** Messages left in the queue, delivered or not, as the broker reports once its consumers are gone. */
async function depth(queue: string): Promise<number> {
  const channel = await sender.createChannel();
  const { messageCount } = await channel.checkQueue(queue);
  await channel.close();
  return messageCount;
}

/**
 * Waits until this many messages are in the queue. The broker requeues the unsettled messages of a closed channel, but
 * not at once.
 */
const leaves = (queue: string, messages: number) =>
  eventually(`${messages} messages left in ${queue}`, async () => (await depth(queue)) === messages);

const subscribed = (consumer: CommandConsumer) =>
  eventually('a subscription to both queues', () => consumer.isSubscribed);

describe('CommandConsumer', () => {
  it('takes from both queues, and leaves nothing once all is acknowledged', async () => {
    await send('orders.g1', numbered(0, 3));
    await send('products.g1', numbered(10, 2));
    const consumer = startConsumer();
    await eventually(
      'both queues to have arrived',
      () => Object.values(consumer.counts).reduce((sum, counts) => sum + counts.waitingMessages, 0) === 5,
    );
    const deliveries = await consumer.take(100);
    expect(numbers(deliveries)).toEqual([10, 11, 0, 1, 2]);
    consumer.acknowledge(deliveries);
    await consumer.stop();
    expect(await Promise.all(['orders.g1', 'products.g1'].map(depth))).toEqual([0, 0]);
  });

  it('waits for the first message, but no longer than asked', async () => {
    const consumer = startConsumer();
    await subscribed(consumer);
    const abort = new AbortController();
    const nothing = consumer.take(100, abort.signal);
    abort.abort();
    expect(await nothing).toEqual([]);
    const something = consumer.take(100);
    await send('orders.g1', numbered(1, 1));
    expect(numbers(await something)).toEqual([1]);
    const stopped = consumer.take(100);
    await consumer.stop();
    expect(await stopped).toEqual([]);
    expect(await consumer.take(100)).toEqual([]);
  });

  it('returns messages that were put back before later ones, and none twice after a lost channel', async () => {
    await send('orders.g1', numbered(0, 6));
    const consumer = startConsumer();
    const all = await takeAll(consumer, 6);
    consumer.acknowledge(all.slice(0, 2));
    consumer.putBack(all.slice(2));
    await send('orders.g1', numbered(6, 2));
    await eventually('the later messages have arrived', () => consumer.counts['orders.g1']?.messages === 8);
    const next = await consumer.take(3);
    expect(numbers(next)).toEqual([2, 3, 4]);
    expect(next[0]).toBe(all[2]);
    consumer.putBack(next);
    await consumer.stop();
    consumer.putBack(all.slice(2));
    consumer.start();
    consumer.putBack(all.slice(2));
    expect(numbers(await takeAll(consumer, 6))).toEqual([2, 3, 4, 5, 6, 7]);
  });

  it('returns unreadable content unchanged, with sender and reply address', async () => {
    await send('orders.g1', [Buffer.from('{"half')], { userId: broker.management.user, replyTo: 'somewhere' });
    const [delivery] = await startConsumer().take(1);
    expect(delivery).toMatchObject({
      queue: 'orders.g1',
      content: { type: 'unreadable', raw: Buffer.from('{"half') },
      redelivered: false,
      deliveryCount: 0,
      userId: broker.management.user,
      replyTo: 'somewhere',
    });
  });

  it('never has more deliveries than its prefetch', async () => {
    await send('orders.g1', numbered(0, 30));
    const consumer = startConsumer({ prefetch: 8 });
    const first = await takeAll(consumer, 8);
    expect(numbers(first)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(consumer.counts['orders.g1']?.unacknowledgedMessages).toBe(8);
    consumer.acknowledge(first);
    expect(numbers(await takeAll(consumer, 8))).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it('acknowledges only the given messages, in any order', async () => {
    await send('orders.g1', numbered(0, 10));
    const consumer = startConsumer();
    const deliveries = await takeAll(consumer, 10);
    const pick = (...indices: number[]) => indices.map((index) => deliveries[index] as Delivery);
    consumer.acknowledge(pick(9, 8, 2));
    consumer.acknowledge(pick(0, 1, 4));
    consumer.acknowledge(pick(2, 9));
    await consumer.stop();
    await leaves('orders.g1', 4);
    consumer.start();
    const again = await takeAll(consumer, 4);
    expect(numbers(again)).toEqual([3, 5, 6, 7]);
    expect(again.every(({ redelivered, deliveryCount }) => redelivered && deliveryCount === 1)).toBe(true);
  });

  it('requeues everything when it stops, and takes it again in order', async () => {
    await send('orders.g1', numbered(0, 20));
    const consumer = startConsumer();
    const before = await takeAll(consumer, 20);
    await consumer.stop();
    await leaves('orders.g1', 20);
    consumer.acknowledge(before);
    consumer.start();
    const after = await takeAll(consumer, 20);
    expect(numbers(after)).toEqual(numbers(before));
    // An acknowledgement on a lost channel reaches no broker and does no harm to the current channel.
    consumer.acknowledge(before);
    await subscribed(consumer);
    expect(consumer.counts['orders.g1']).toMatchObject({ staleAcknowledgements: 40, unacknowledgedMessages: 20 });
    consumer.acknowledge(after);
    await consumer.stop();
    await leaves('orders.g1', 0);
  });

  it('takes nothing while another one holds messages, and then begins with those', async () => {
    await send('orders.g1', numbered(0, 3));
    const former = startConsumer({ prefetch: 2 });
    expect(numbers(await takeAll(former, 2))).toEqual([0, 1]);
    const { connection, consumer: next } = start({ prefetch: 2 });
    const taken = takeAll(next, 2);
    const model = await eventually('it is connected', () => connection.model);
    // It could have subscribed in the time of so many round trips.
    for (let n = 0; n < 20; n += 1) await (await model.createChannel()).close();
    expect([next.isSubscribed, next.isTakingOver, former.isTakingOver]).toEqual([false, true, false]);
    await former.stop();
    expect(numbers(await taken)).toEqual([0, 1]);
    await subscribed(next);
    expect(next.isTakingOver).toBe(false);
  });

  it('subscribes again after a lost connection; unacknowledged messages are redelivered', async () => {
    await send('orders.g1', numbered(0, 5));
    const consumer = startConsumer();
    await takeAll(consumer, 5);
    await proxy.cut();
    // Each queue notices the loss on its own.
    await eventually('the loss of both queues is noticed', () =>
      /not subscribed to products\.g1.*not subscribed to orders\.g1/.test(consumer.obstacle ?? ''),
    );
    await proxy.mend();
    expect(numbers(await takeAll(consumer, 5))).toEqual([0, 1, 2, 3, 4]);
    await subscribed(consumer);
    expect(consumer.obstacle).toBeUndefined();
  });

  it('does not acknowledge on the next channel the messages of a lost channel', async () => {
    await send('orders.g1', numbered(0, 5));
    const consumer = startConsumer();
    const before = await takeAll(consumer, 5);
    await proxy.cut();
    await eventually('the loss is noticed', () => !consumer.isSubscribed);
    await proxy.mend();
    await takeAll(consumer, 5);
    await subscribed(consumer);
    // The tags are equal but belong to other deliveries.
    consumer.acknowledge(before);
    expect(consumer.counts['orders.g1']).toMatchObject({ unacknowledgedMessages: 5, staleAcknowledgements: 5 });
    await consumer.stop();
    await leaves('orders.g1', 5);
  });

  it('subscribes again after its queue was deleted and declared again', async () => {
    const consumer = startConsumer();
    await subscribed(consumer);
    const channel = await sender.createChannel();
    await channel.deleteQueue('orders.g1');
    await eventually('a warning about the missing queue', () =>
      /orders\.g1: .*NOT[-_]FOUND/.test(consumer.obstacle ?? ''),
    );
    expect(consumer.counts['products.g1']?.subscribed).toBe(true);
    const { vhost, groups } = broker;
    const definitions = brokerDefinitions({ vhost, groups, brokers: 1, passwords: new Map() });
    await applyDefinitions(broker.management, definitions);
    await subscribed(consumer);
    await send('orders.g1', numbered(7, 1));
    expect(numbers(await consumer.take(1))).toEqual([7]);
  });

  it('subscribes again after the broker closed its connection', async () => {
    const consumer = startConsumer();
    await subscribed(consumer);
    const [own] = await eventually('the connection is listed', async () => {
      const path = `/api/vhosts/${broker.vhost}/connections`;
      const connections = (await broker.manage('GET', path)) as { name: string; user: string }[];
      const found = connections.filter(({ user }) => user === 'writer.g1');
      return found.length > 0 && found;
    });
    await broker.manage('DELETE', `/api/connections/${encodeURIComponent(own?.name ?? '')}`);
    await eventually('another subscription', () => consumer.counts['orders.g1']?.subscriptions === 2);
    await send('orders.g1', numbered(7, 1));
    expect(numbers(await consumer.take(1))).toEqual([7]);
  });
});
