import type { Command } from '@eco/contracts';
import { BrokerConnection } from './connection.js';
import { CommandConsumer } from './command-consumer.js';
import { CommandPublisher } from './publisher.js';
import { ReplySender, type ReplyTo } from './replies.js';
import { orderCommand } from './test/commands.js';
import { Proxy } from './test/proxy.js';
import { rawConnection } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';
import { eventually } from '@eco/testing';

/** One process asks. Another takes the arrived commands and replies with a key conflict. */
interface Pair {
  publisher: CommandPublisher;
  /**
   * Replies to everything that has arrived, and returns the stamps. `before` is called with each reply address first.
   */
  reply: (before?: (address: string) => void) => Promise<string[]>;
}

let broker: TestBroker;
let proxy: Proxy;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  broker = await testBroker('replies');
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

function connect(user: 'branch.sucursal-1' | 'writer.g1', name: string, address = broker.address): BrokerConnection {
  const connection = new BrokerConnection({ access: broker.access(user, [address]), name });
  running.push(connection);
  connection.start();
  return connection;
}

async function startPair(): Promise<Pair> {
  const publisher = new CommandPublisher({
    connection: connect('branch.sucursal-1', 'caller', proxy.address),
    groupOf: () => 'g1',
    deadlineMs: 60_000,
  });
  const consumer = new CommandConsumer({ connection: connect('writer.g1', 'taker'), group: 'g1' });
  const replies = new ReplySender({ connection: connect('writer.g1', 'answerer') });
  const parts = [publisher, consumer, replies.channel];
  running.push(...parts);
  for (const part of parts) part.start();
  const isConnected = () => !publisher.obstacle && consumer.isSubscribed && replies.channel.isOpen;
  await eventually('both sides are connected', isConnected);
  return {
    publisher,
    reply: async (before = () => undefined) => {
      const deliveries = await consumer.take(1000);
      const answered: ReplyTo[] = [];
      for (const { content, replyTo } of deliveries) {
        if (content.type !== 'json') continue;
        for (const command of (content.value as { commands: Command[] }).commands) {
          if (!command.reply || !replyTo) continue;
          before(replyTo);
          answered.push({
            address: replyTo,
            stamp: command.stamp,
            reply: { type: 'key-conflict', commandId: command.id },
          });
        }
      }
      replies.send(answered, 'g1=1.a.1');
      consumer.acknowledge(deliveries);
      return answered.map(({ stamp }) => stamp);
    },
  };
}

describe('replies', () => {
  it('reach each waiting caller with its own reply, and no other process', async () => {
    const { publisher, reply: reply } = await startPair();
    const commands = Array.from({ length: 200 }, () => orderCommand());
    const asked = commands.map((command, index) =>
      index % 2 === 0
        ? publisher.publishAndWait(command, { waitMs: 60_000 })
        : { outcome: publisher.publish(command), reply: Promise.resolve(undefined) },
    );
    const outcomes = Promise.all(asked.map(({ outcome }) => outcome));
    let count = 0;
    while (count < 100) count += (await reply()).length;
    expect(new Set((await outcomes).map(({ type }) => type))).toEqual(new Set(['confirmed']));
    expect(await Promise.all(asked.map((one) => one.reply))).toEqual(
      commands.map(({ id }, index) =>
        index % 2 === 0 ? { reply: { type: 'key-conflict', commandId: id }, position: 'g1=1.a.1' } : undefined,
      ),
    );
    expect(publisher.counts).toMatchObject({ replyWaits: 0, repliesReceived: 100, repliesLate: 0 });
  });

  it('are awaited no longer than asked, and a late one does no harm', async () => {
    const { publisher, reply: reply } = await startPair();
    const asked = publisher.publishAndWait(orderCommand(), { waitMs: 50 });
    expect(await asked.outcome).toEqual({ type: 'confirmed' });
    expect(await asked.reply).toBeUndefined();
    await reply();
    await eventually('the late reply', () => publisher.counts.repliesLate === 1);
    expect(publisher.counts.replyWaits).toBe(0);
  });

  it('are not awaited when the command was not confirmed', async () => {
    const { publisher } = await startPair();
    const asked = publisher.publishAndWait(orderCommand(), { waitMs: 60_000, group: 'nowhere' });
    expect(await asked.outcome).toEqual({ type: 'returned' });
    expect(await asked.reply).toBeUndefined();
  });

  it('are not awaited over a lost connection', async () => {
    const { publisher, reply: reply } = await startPair();
    const asked = publisher.publishAndWait(orderCommand(), { waitMs: 60_000 });
    await asked.outcome;
    proxy.dropAll();
    expect(await asked.reply).toBeUndefined();
    // The caller is gone. Sending a reply to it raises no error in the writer.
    await reply();
    await eventually('the caller is connected again', () => publisher.obstacle === undefined);
    const again = publisher.publishAndWait(orderCommand(), { waitMs: 60_000 });
    await reply();
    expect(await again.reply).toBeDefined();
  });

  it('that cannot be read are skipped', async () => {
    const { publisher, reply: reply } = await startPair();
    const model = await rawConnection(broker.administratorAccess());
    const channel = await model.createConfirmChannel();
    const asked = publisher.publishAndWait(orderCommand(), { waitMs: 60_000 });
    await reply((address) => channel.publish('', address, Buffer.from('no json')));
    await channel.waitForConfirms();
    expect(await asked.reply).toBeDefined();
    await model.close();
  });
});
