import { randomBytes, randomUUID } from 'node:crypto';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import { headers as headerNames } from '@eco/contracts';
import type { KeptDeadLetter } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { bucketOf, BUCKETS_DEFAULT, evenPlacement, groupOf, newOrderId } from '@eco/routing';
import { apiClientOf, commandOf, eventually, startTestCluster, type TestCluster } from '@eco/testing';
import { replayOf } from './replay.js';
import { DeadLetterAdmin } from './admin.js';

/*
 * Two groups, each of which decides only its own commands. The tests send a command to the wrong group, and an operator
 * moves it to its owner. They use real servers, one broker and the built processes.
 */

const placement = evenPlacement(BUCKETS_DEFAULT, ['g1', 'g2']);
function keyOf(group: string, prefix: string): string {
  for (let n = 0; ; n += 1) {
    if (groupOf(placement, bucketOf(`${prefix}-${n}`, BUCKETS_DEFAULT)) === group) return `${prefix}-${n}`;
  }
}
const GROUP_IDS = ['g1', 'g2'];
const productOf = (group: string) => keyOf(group, 'cafe');

let cluster: TestCluster;
const sides = new Map<string, SideConnection>();

beforeAll(async () => {
  cluster = await startTestCluster({
    brokers: 1,
    groups: GROUP_IDS.map((id) => ({ id, replicas: 0 })),
    writersPerGroup: 1,
  });
  for (const { id, nodes } of cluster.groups) {
    sides.set(id, new SideConnection(nodes[0], cluster.system.databaseLogin('eco_operator'), 'spec'));
  }
  for (const group of GROUP_IDS) {
    const product = { productId: productOf(group), name: 'Café', priceCents: 890, stock: 100 };
    // If the first answer comes too late, the repeat responds that the product exists.
    await eventually(`a product of ${group}`, async () =>
      [201, 409].includes((await ask('POST', '/products', product)).status),
    );
  }
}, 180_000);
afterAll(async () => {
  for (const side of sides.values()) side.close();
  await cluster?.destroy();
});

function central() {
  const found = cluster.services.find(({ name }) => name.startsWith('central-api'));
  if (found === undefined) throw new Error('there is no Central');
  return found;
}
const ask = apiClientOf(
  () => central().url,
  () => cluster.system.tokens,
);
const askAsOperator = apiClientOf(() => central().operatorsUrl);

const deadLetters = async (group: string) =>
  (await sides
    .get(group)
    ?.ask<{ state: string; reason: string }>('SELECT state, reason FROM eco.dead_letter', [], 10_000)) ?? [];

const confirmed = (orderId: unknown) =>
  eventually(`order ${String(orderId)} is confirmed`, async () => {
    const { body } = await ask('GET', `/orders/${String(orderId)}`);
    return body['status'] === 'confirmed' && body;
  });

it('a Central that has seen no database keeps orders and cart commands for their owners', async () => {
  await central().stop();
  for (const { nodes } of cluster.groups) await nodes[0].kill();
  await central().start();

  const answers = [];
  for (const group of GROUP_IDS) {
    const lines = [{ productId: productOf(group), quantity: 1 }];
    for (let n = 0; n < 5; n += 1) {
      answers.push(await ask('POST', '/orders', { customerId: keyOf(group, `ana-${n}`), lines }));
    }
    const cart = `/carts/${keyOf(group, 'bo')}`;
    answers.push(await ask('PUT', `${cart}/items/${productOf(group)}`, { quantity: 2 }));
    answers.push(await ask('POST', `${cart}/checkout`));
  }
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(({ headers }) => headers.get(headerNames.durability)))).toEqual(new Set(['local']));
  // A command that the journal can't keep is refused.
  const customer = { customerId: keyOf('g2', 'cleo'), name: 'Cleo', email: 'cleo@example.com' };
  const refused = await ask('POST', '/customers', customer);
  expect(refused).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:not-accepted' } });
  expect(refused.body['detail']).toMatch(/no group is known to own its bucket/);

  for (const { nodes } of cluster.groups) await nodes[0].start();
  const orderIds = answers.flatMap(({ body }) => body['orderId'] ?? []);
  expect(orderIds).toHaveLength(12);
  for (const orderId of orderIds) await confirmed(orderId);
  for (const group of GROUP_IDS) expect(await deadLetters(group)).toEqual([]);
  const journal = await eventually('the journal is empty', async () => {
    const { body } = await askAsOperator('GET', '/health/ready');
    return body['journal'] === 'empty' && body;
  });
  expect(journal['broker']).toBe('reachable');
}, 180_000);

it('a replay goes to the owner of the bucket, and closes the dead letter where it is', async () => {
  // This message is like one of a sender that assumes the wrong owner.
  const connection = new BrokerConnection({
    access: cluster.system.brokerAccess('central'),
    name: 'spec',
  });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 10_000 });
  connection.start();
  publisher.start();
  const customerId = keyOf('g2', 'dan');
  const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  const lines = [{ productId: productOf('g2'), quantity: 1 }];
  const order = commandOf('order.place', { orderId, customerId, branchId: null, lines });
  await eventually('it is published', async () => (await publisher.publish(order)).type === 'confirmed');
  await publisher.stop();
  await connection.stop();
  await eventually('it is a dead letter', async () => (await deadLetters('g1')).length === 1);

  const admin = new DeadLetterAdmin(cluster.system);
  try {
    const letters: KeptDeadLetter[] = [];
    for await (const letter of admin.open('g1', { errorClass: 'not-owned' })) letters.push(letter);
    const [letter] = letters as [KeptDeadLetter];
    const replay = replayOf(letter, `ana ${randomUUID()}`);
    if (replay.type !== 'replay') throw new Error(replay.why);
    const results = await admin.ask('g1', [{ letter, command: replay.command }]);
    expect(results).toMatchObject([{ result: 'done', isSettled: true }]);
  } finally {
    await admin.close();
  }
  await confirmed(orderId);
  expect(await deadLetters('g1')).toMatchObject([{ state: 'discarded' }]);
  expect(await deadLetters('g2')).toEqual([]);
}, 120_000);
