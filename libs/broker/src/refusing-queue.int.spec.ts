import { eventually } from '@eco/testing';
import { BrokerConnection } from './connection.js';
import { CommandPublisher } from './publisher.js';
import { orderCommand } from './test/commands.js';
import { rawConnection } from './test/raw.js';
import { testBroker, type TestBroker } from './test/test-broker.js';
import { policyDefinitions } from './topology.js';

/* A full queue refuses a message by a negative confirm. The queue of this spec is full with one message. */

let broker: TestBroker;
beforeAll(async () => (broker = await testBroker('refusing')));
afterAll(() => broker.dispose());

/** The queue learns of its fill level asynchronously, so it accepts some messages above its limit. */
const SENT = 50;

it('distinguishes refused messages from accepted ones', async () => {
  const model = await rawConnection(broker.administratorAccess());
  const channel = await model.createChannel();
  const [policy] = policyDefinitions({ vhost: broker.vhost });
  expect(policy?.definition['max-length']).toBe(2_000_000);
  const full = { ...policy, definition: { ...policy?.definition, 'max-length': 1 } };
  await broker.manage('PUT', `/api/policies/${broker.vhost}/${policy?.name}`, full);

  const connection = new BrokerConnection({ access: broker.access('central'), name: 'publisher' });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 60_000 });
  connection.start();
  publisher.start();
  try {
    await eventually('a publisher without obstacle', () => publisher.obstacle === undefined);
    const outcomes: string[] = [];
    for (let n = 0; n < SENT; n += 1) outcomes.push((await publisher.publish(orderCommand())).type);
    const confirmed = outcomes.filter((type) => type === 'confirmed');
    expect(outcomes).toEqual([...confirmed, ...Array<string>(SENT - confirmed.length).fill('nacked')]);
    expect(confirmed.length).toBeLessThan(SENT);
    expect((await channel.checkQueue('orders.g1')).messageCount).toBe(confirmed.length);
    // Room in the queue is enough; nobody has to reset it.
    await channel.purgeQueue('orders.g1');
    await eventually('the queue accepts messages', async () => {
      return (await publisher.publish(orderCommand())).type === 'confirmed';
    });
  } finally {
    await publisher.stop();
    await connection.stop();
    await model.close();
  }
});
