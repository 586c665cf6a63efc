import { eventually } from '@eco/testing';
import { BrokerConnection } from './connection.js';
import { CommandPublisher, type CommandPublisherOptions } from './publisher.js';
import type { PublishOutcome } from './publish-outcome.js';
import { deleteProductCommand, orderCommand } from './test/commands.js';
import { Proxy } from './test/proxy.js';
import { rawConnection } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';
import { COMMANDS_EXCHANGE } from './topology.js';

let broker: TestBroker;
let proxy: Proxy;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  broker = await testBroker('publisher');
});
afterAll(() => broker.dispose());

beforeEach(async () => {
  proxy = new Proxy(broker.address);
  await proxy.mend();
});
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
  await proxy.cut();
});

async function startPublisher(options: Partial<CommandPublisherOptions> = {}): Promise<CommandPublisher> {
  const connection = new BrokerConnection({ access: broker.access('central', [proxy.address]), name: 'publisher' });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 60_000, ...options });
  running.push(connection, publisher);
  connection.start();
  publisher.start();
  await ready(publisher);
  return publisher;
}

function ready(publisher: CommandPublisher): Promise<unknown> {
  return eventually('a publisher without obstacle', () => publisher.obstacle === undefined);
}

/** Takes all messages out of a queue. */
async function drain(queue: string): Promise<{ commands: { id: string }[] }[]> {
  const model = await rawConnection(broker.administratorAccess());
  const channel = await model.createChannel();
  const messages: { commands: { id: string }[] }[] = [];
  for (let message = await channel.get(queue); message; message = await channel.get(queue)) {
    messages.push(JSON.parse(message.content.toString()) as { commands: { id: string }[] });
    channel.ack(message);
  }
  await model.close();
  return messages;
}

const types = (outcomes: PublishOutcome[]) => new Set(outcomes.map(({ type }) => type));

describe('CommandPublisher', () => {
  it('confirms commands that a queue has stored, each in the queue of its kind', async () => {
    const publisher = await startPublisher();
    const [order, product] = [orderCommand(), deleteProductCommand()];
    expect(await Promise.all([publisher.publish(order), publisher.publish(product)])).toEqual([
      { type: 'confirmed' },
      { type: 'confirmed' },
    ]);
    expect(await drain('orders.g1')).toEqual([{ version: 1, commands: [order] }]);
    expect(await drain('products.g1')).toEqual([{ version: 1, commands: [product] }]);
  });

  it('gathers commands under load into far fewer messages; each arrives once, in order, and is confirmed', async () => {
    const confirms: { durationMs: number; commands: number }[] = [];
    const publisher = await startPublisher({ onConfirmed: (confirm) => confirms.push(confirm) });
    const commands = Array.from({ length: 2000 }, () => orderCommand());
    const outcomes = await Promise.all(commands.map((command) => publisher.publish(command)));
    expect(types(outcomes)).toEqual(new Set(['confirmed']));
    const messages = await drain('orders.g1');
    expect(messages.flatMap(({ commands: held }) => held.map(({ id }) => id))).toEqual(commands.map(({ id }) => id));
    expect(messages.length).toBeLessThan(commands.length / 50);
    expect(publisher.counts).toMatchObject({ messages: messages.length, unsettledCommands: 0, unsettledBytes: 0 });
    expect(confirms.reduce((sum, confirm) => sum + confirm.commands, 0)).toBe(commands.length);
  });

  it('reports `returned` for an unroutable message, although the broker confirms it', async () => {
    const publisher = await startPublisher();
    const outcomes = await Promise.all([
      ...Array.from({ length: 20 }, () => publisher.publish(orderCommand(), { group: 'nowhere' })),
      publisher.publish(orderCommand()),
    ]);
    expect(outcomes.slice(0, -1)).toEqual(Array(20).fill({ type: 'returned' }));
    expect(outcomes.at(-1)).toEqual({ type: 'confirmed' });
    expect(await drain('orders.g1')).toHaveLength(1);
  });

  it('sends several commands in one message, in order, with one outcome', async () => {
    const publisher = await startPublisher();
    const commands = Array.from({ length: 100 }, () => orderCommand());
    const texts = commands.map((command) => JSON.stringify(command));
    const queue = publisher.queueOf(orderCommand()) ?? '';
    expect(await publisher.publishTogether(queue, texts)).toEqual({ type: 'confirmed' });
    expect(await publisher.publishTogether('orders.nowhere', texts)).toEqual({ type: 'returned' });
    expect(await drain('orders.g1')).toEqual([{ version: 1, commands }]);
    expect(publisher.counts).toMatchObject({ messages: 2, unsettledCommands: 0, unsettledBytes: 0 });
    expect(publisher.counts.outcomes).toMatchObject({ confirmed: 100, returned: 100 });
  });

  it('reports `nacked` when a broker fails', async () => {
    const queue = `/api/queues/${broker.vhost}/orders.full`;
    await broker.manage('PUT', queue, {
      durable: true,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    });
    await broker.manage('POST', `/api/bindings/${broker.vhost}/e/${COMMANDS_EXCHANGE}/q/orders.full`, {
      routing_key: 'orders.full',
    });
    const publisher = await startPublisher();
    expect(await publisher.publish(orderCommand(), { group: 'full' })).toEqual({ type: 'confirmed' });
    expect(await publisher.publish(orderCommand(), { group: 'full' })).toEqual({ type: 'nacked' });
    await broker.manage('DELETE', queue);
  });

  it('stops writing to a blocked connection, and continues when it is unblocked', async () => {
    const publisher = await startPublisher({ deadlineMs: 2000 });
    proxy.hold();
    // One message per queue may be in flight. So this needs more queues than the sockets can buffer, at 40 kB each.
    const commands = Array.from({ length: 700 }, () => orderCommand('x'.repeat(40_000)));
    const outcomes = await Promise.all(
      commands.map((command, index) => publisher.publish(command, { group: `none-${index}` })),
    );
    const sent = outcomes.filter(({ type }) => type === 'unconfirmed').length;
    expect(outcomes.filter((outcome) => outcome.type === 'full' && outcome.reason === 'deadline').length).toBe(
      commands.length - sent,
    );
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(commands.length);
    expect(publisher.counts).toMatchObject({ messages: sent, unsettledCommands: 0, unsettledBytes: 0 });
    proxy.release();
    await eventually('a confirm', async () => (await publisher.publish(orderCommand())).type === 'confirmed');
    await drain('orders.g1');
  });

  it('reports a command that the broker refuses, with the reason, and continues with the next one', async () => {
    const connection = new BrokerConnection({
      access: broker.access('branch.sucursal-1', [proxy.address]),
      name: 'publisher',
    });
    const publisher = new CommandPublisher({ connection, groupOf: () => 'g1' });
    running.push(connection, publisher);
    connection.start();
    publisher.start();
    await ready(publisher);
    // A branch may not change the catalogue.
    const forbidden = await publisher.publish(deleteProductCommand());
    expect(forbidden).toMatchObject({ type: 'refused', code: 403 });
    expect('reason' in forbidden && forbidden.reason).toMatch(/ACCESS[-_]REFUSED.*products\.g1/);
    await ready(publisher);
    expect(await publisher.publish(orderCommand())).toEqual({ type: 'confirmed' });
    // The message names another user as its sender, so the message itself causes the error.
    Object.defineProperty(connection, 'user', { value: 'another-user', configurable: true });
    expect(await publisher.publish(orderCommand())).toMatchObject({ type: 'refused', code: 406 });
    await ready(publisher);
    expect(await drain('orders.g1')).toHaveLength(1);
    expect(await drain('products.g1')).toEqual([]);
  });

  it('blames no command when the channel is closed over one of several', async () => {
    const connection = new BrokerConnection({
      access: broker.access('branch.sucursal-1', [proxy.address]),
      name: 'publisher',
    });
    const publisher = new CommandPublisher({ connection, groupOf: () => 'g1' });
    running.push(connection, publisher);
    connection.start();
    publisher.start();
    await ready(publisher);
    const [product, order] = await Promise.all([
      publisher.publish(deleteProductCommand()),
      publisher.publish(orderCommand()),
    ]);
    expect(product).toEqual({ type: 'unconfirmed', reason: 'connection-lost' });
    // The confirm arrives before the channel is closed, or not at all.
    expect(['unconfirmed', 'confirmed']).toContain(order.type);
    await ready(publisher);
    await drain('orders.g1');
  });

  it('refuses at once without a connection, keeps nothing, and recovers by itself', async () => {
    const publisher = await startPublisher();
    await proxy.cut();
    await eventually('the loss is noticed', () => publisher.obstacle !== undefined);
    const start = performance.now();
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => publisher.publish(orderCommand())));
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(outcomes).toEqual(Array(1000).fill({ type: 'disconnected' }));
    expect(publisher.counts).toMatchObject({ unsettledCommands: 0, unsettledBytes: 0 });
    await proxy.mend();
    await ready(publisher);
    expect(await publisher.publish(orderCommand())).toEqual({ type: 'confirmed' });
    expect(await drain('orders.g1')).toHaveLength(1);
  });

  it('distinguishes sent commands from unsent ones as soon as the connection is lost', async () => {
    const publisher = await startPublisher({ deadlineMs: 60_000 });
    proxy.hold();
    const outcomes = Promise.all(Array.from({ length: 10 }, () => publisher.publish(orderCommand())));
    proxy.dropAll();
    expect(await outcomes).toEqual([
      { type: 'unconfirmed', reason: 'connection-lost' },
      ...(Array(9).fill({ type: 'disconnected' }) as PublishOutcome[]),
    ]);
    proxy.release();
    await ready(publisher);
    await drain('orders.g1');
  });

  it('settles at the deadline when the broker is stalled, then refuses until it recovers', async () => {
    const publisher = await startPublisher({ deadlineMs: 300 });
    proxy.hold();
    const start = performance.now();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => publisher.publish(orderCommand())));
    // A lost connection would be noticed after 6 s at the earliest.
    expect(performance.now() - start).toBeLessThan(4000);
    expect(outcomes).toEqual([
      { type: 'unconfirmed', reason: 'deadline' },
      ...(Array(9).fill({ type: 'full', reason: 'deadline' }) as PublishOutcome[]),
    ]);
    expect(publisher.obstacle).toMatch(/no confirm in time from orders\.g1/);
    expect(await publisher.publish(orderCommand())).toEqual({ type: 'full', reason: 'stalled' });
    proxy.release();
    await ready(publisher);
    expect(await publisher.publish(orderCommand())).toEqual({ type: 'confirmed' });
    // The unconfirmed command arrived; the refused ones did not.
    expect(await drain('orders.g1')).toHaveLength(2);
  });

  it('leaves a stalled broker for another one', async () => {
    const other = new Proxy(broker.address);
    await other.mend();
    running.push({ stop: () => other.cut() });
    const connection = new BrokerConnection({
      access: broker.access('central', [proxy.address, other.address]),
      name: 'publisher',
    });
    const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 300 });
    running.push(connection, publisher);
    connection.start();
    publisher.start();
    await ready(publisher);
    const [used, unused] = proxy.connections > 0 ? [proxy, other] : [other, proxy];
    used.hold();
    const start = performance.now();
    await eventually(
      'a confirm over the other broker',
      async () => (await publisher.publish(orderCommand())).type === 'confirmed',
    );
    expect(performance.now() - start).toBeLessThan(20_000);
    expect(unused.connections).toBe(1);
    await drain('orders.g1');
  });

  it('stays within its memory limit', async () => {
    const publisher = await startPublisher({ deadlineMs: 1000 });
    proxy.hold();
    const outcomes = Promise.all(Array.from({ length: 25_000 }, () => publisher.publish(orderCommand())));
    expect(publisher.counts.unsettledCommands).toBe(20_000);
    expect(publisher.counts.outcomes.full).toBe(5000);
    expect((await outcomes).slice(20_000)).toEqual(Array(5000).fill({ type: 'full', reason: 'memory' }));
    expect(publisher.counts).toMatchObject({ unsettledCommands: 0, unsettledBytes: 0 });
    proxy.release();
    await ready(publisher);
    await drain('orders.g1');
  });

  it('settles the commands in flight when it stops, and accepts no others', async () => {
    const publisher = await startPublisher();
    const outcomes = Array.from({ length: 500 }, () => publisher.publish(orderCommand()));
    const stopped = publisher.stop();
    expect(await publisher.publish(orderCommand())).toEqual({ type: 'disconnected' });
    await stopped;
    expect(types(await Promise.all(outcomes))).toEqual(new Set(['confirmed']));
    await drain('orders.g1');
  });

  it('allows starts and stops in any order', async () => {
    const connection = new BrokerConnection({ access: broker.access('central'), name: 'publisher' });
    const publisher = new CommandPublisher({ connection, groupOf: () => 'g1' });
    running.push(connection, publisher);
    await publisher.stop();
    await connection.stop();
    for (let round = 0; round < 5; round += 1) {
      publisher.start();
      connection.start();
      connection.start();
      publisher.start();
      await Promise.all([publisher.stop(), connection.stop(), publisher.stop(), connection.stop()]);
    }
    connection.start();
    publisher.start();
    await ready(publisher);
    expect(await publisher.publish(orderCommand())).toEqual({ type: 'confirmed' });
    await drain('orders.g1');
  });
});
