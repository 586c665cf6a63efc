import { eventually } from '@eco/testing';
import { BrokerConnection } from './connection.js';
import { CommandPublisher } from './publisher.js';
import { orderCommand } from './test/commands.js';
import { rawConnection } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';
import { COMMANDS_EXCHANGE } from './topology.js';

/*
 * A broker refuses a message by a nack. No queue of EcoMarket does so; the queue of this spec accepts a single message.
 */

let broker: TestBroker;
beforeAll(async () => (broker = await testBroker('refusing')));
afterAll(() => broker.dispose());

it('distinguishes refused messages from accepted ones', async () => {
  const model = await rawConnection(broker.administratorAccess());
  const channel = await model.createChannel();
  await channel.deleteQueue('orders.g1');
  const bounds = { 'x-queue-type': 'classic', 'x-max-length': 1, 'x-overflow': 'reject-publish' };
  await channel.assertQueue('orders.g1', { durable: true, arguments: bounds });
  await channel.bindQueue('orders.g1', COMMANDS_EXCHANGE, 'orders.g1');

  const connection = new BrokerConnection({ access: broker.access('central'), name: 'publisher' });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 60_000 });
  connection.start();
  publisher.start();
  try {
    await eventually('a publisher without obstacle', () => publisher.obstacle === undefined);
    const outcomes: string[] = [];
    for (let n = 0; n < 4; n += 1) outcomes.push((await publisher.publish(orderCommand())).type);
    const confirmed = outcomes.filter((type) => type === 'confirmed');
    expect(outcomes).toEqual([...confirmed, ...Array<string>(4 - confirmed.length).fill('nacked')]);
    expect((await channel.checkQueue('orders.g1')).messageCount).toBe(confirmed.length);
  } finally {
    await publisher.stop();
    await connection.stop();
    await model.close();
  }
});
