import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Address } from '@eco/base';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import { MAX_MESSAGE_BYTES, type Command } from '@eco/contracts';
import { brokenChecks, verifyGroup } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { newOrderId } from '@eco/routing';
import {
  commandOf,
  eventually,
  publishRaw,
  specProvider,
  startTestCluster,
  WriterProcess,
  type TestCluster,
} from '@eco/testing';

/* A poison message ends the process each time it is tried or parsed. It arrives among good commands. */

const GOOD = 20;
/**
 * Most ends of the process: three until all commands are tried together, one for each halving, three for the message
 * alone, and two to spare.
 */
const ENDS_MAX = 3 + Math.ceil(Math.log2(GOOD + 1)) + 3 + 2;
/** Without a bound of the size, 4 MB are enough to end a process with this heap. */
const HEAP_MB = 256;
const LARGE_BYTES = 8_000_000;

let cluster: TestCluster;
let reader: SideConnection;
let writer: WriterProcess;
let publisher: CommandPublisher;
const closing: { stop(): Promise<unknown> }[] = [];

const primary = () => cluster.groups[0]?.nodes[0] as Address;

beforeAll(async () => {
  cluster = await startTestCluster(
    { brokers: 1, groups: [{ id: 'g1', replicas: 1 }], services: false },
    { provider: specProvider() },
  );
  const brokers = cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort }));
  const connection = new BrokerConnection({
    access: { brokers, ...cluster.system.brokerLogin('central') },
    name: 'spec',
  });
  publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 30_000 });
  connection.start();
  publisher.start();
  closing.push(publisher, connection);
  reader = new SideConnection(primary(), cluster.system.databaseLogin('eco_operator'), 'spec');
  writer = new WriterProcess(cluster, 'writer', [
    `--max-old-space-size=${HEAP_MB}`,
    '--require',
    path.join(__dirname, 'test/end-over-poison.cjs'),
  ]);
  writer.keepsRunning = true;
  writer.start();
}, 180_000);

afterAll(async () => {
  await writer.kill();
  for (const part of closing) await part.stop();
  reader.close();
  await cluster.destroy();
});

const ask = <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  reader.ask<Row>(text, values, 60_000);

function order(customerId: string): Command {
  const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
  const lines = [{ productId: 'tea', quantity: 1 }];
  return commandOf('order.place', { orderId, customerId, branchId: null, lines });
}

async function publish(...commands: Command[]): Promise<void> {
  await eventually('the broker can be reached', () => publisher.obstacle === undefined);
  const outcomes = await Promise.all(commands.map((command) => publisher.publish(command)));
  expect(outcomes).toEqual(commands.map(() => ({ type: 'confirmed' })));
}

const central = () => ({
  brokers: cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort })),
  ...cluster.system.brokerLogin('central'),
});

interface Letter extends Record<string, unknown> {
  command_id: string;
  error_class: string;
  place: string;
  body_hash: string;
  content: { bytes: number; base64: string };
}

/** The dead letter of this content. Its hash and id derive from the bytes. */
const letterOf = (content: Buffer) =>
  eventually(
    'the dead letter exists',
    async () => {
      const text = `SELECT command_id, error_class, place, encode(body_hash, 'hex') AS body_hash, command AS content
        FROM eco.dead_letter WHERE body_hash = sha256($1::bytea)`;
      return (await ask<Letter>(text, [content]))[0];
    },
    { deadlineMs: 240_000 },
  );

async function isDecided({ id }: Command): Promise<boolean> {
  return (await ask('SELECT FROM eco.orders WHERE order_id = $1', [id])).length === 1;
}

it('makes a poison message one dead letter and decides all good commands', async () => {
  const good = Array.from({ length: GOOD }, (_, index) => order(`customer-${index}`));
  const poison = order('poison');
  await publish(
    commandOf('product.create', { productId: 'tea', name: 'Tea', priceCents: 320, stock: 1000 }),
    ...good.slice(0, 13),
    poison,
    ...good.slice(13),
  );

  const letters = await eventually(
    'the dead letter exists',
    async () => {
      const rows = await ask<{ command_id: string; error_class: string; place: string; state: string }>(
        'SELECT command_id, error_class, place, state FROM eco.dead_letter',
      );
      return rows.length > 0 && rows;
    },
    { deadlineMs: 240_000 },
  );
  expect(letters).toEqual([{ command_id: poison.id, error_class: 'process', place: 'order.place', state: 'open' }]);
  expect(writer.ends).toBeGreaterThanOrEqual(3 + 3);
  expect(writer.ends).toBeLessThanOrEqual(ENDS_MAX);

  const placed = (ids: string[]) =>
    ask<{ order_id: string; status: string }>('SELECT order_id, status FROM eco.orders WHERE order_id = ANY ($1)', [
      ids,
    ]);
  await eventually('all good orders are stored', async () => (await placed(good.map(({ id }) => id))).length === GOOD);
  await eventually('no suspects are left', async () => (await ask('SELECT FROM eco.suspect')).length === 0);
  expect(new Set((await placed(good.map(({ id }) => id))).map(({ status }) => status))).toEqual(new Set(['confirmed']));

  const ends = writer.ends;
  const after = order('stranger');
  await publish(poison);
  await publish(after);
  await eventually('a later order is decided', async () => (await placed([after.id])).length === 1);
  expect(writer.ends).toBe(ends);
  expect(brokenChecks(await verifyGroup(primary(), cluster.system.databaseLogin('eco_operator')))).toEqual([]);
}, 600_000);

it('makes a message that ends the processes which parse it one dead letter, and decides all good commands', async () => {
  const ends = writer.ends;
  const good = Array.from({ length: 9 }, (_, index) => order(`reader-${index}`));
  const poison = Buffer.from('{"version":1,"commands":[{"note":"poison to parse"}]}');
  await publish(...good.slice(0, 4));
  await publishRaw(central(), 'orders.g1', poison);
  await publish(...good.slice(4));

  const letter = await letterOf(poison);
  expect(letter).toMatchObject({
    error_class: 'process',
    place: 'reading',
    content: { bytes: poison.length, base64: poison.toString('base64') },
  });
  expect(writer.ends - ends).toBeGreaterThanOrEqual(2 + 3);
  expect(writer.ends - ends).toBeLessThanOrEqual(ENDS_MAX);
  for (const each of good) await eventually('a good order is decided', () => isDecided(each));
  await eventually('no suspects are left', async () => (await ask('SELECT FROM eco.suspect')).length === 0);
  expect(brokenChecks(await verifyGroup(primary(), cluster.system.databaseLogin('eco_operator')))).toEqual([]);
}, 600_000);

it('makes a message above the limit a dead letter from its bytes without parsing it, and decides the next order', async () => {
  // As on a broker that has another limit, or had one when it took the message. A channel reads the limit when it opens.
  const limit = `application:set_env(rabbit, max_message_size, ${2 * LARGE_BYTES}), persistent_term:put(max_message_size, ${2 * LARGE_BYTES}).`;
  await cluster.brokers[0]?.control('eval', limit);
  const ends = writer.ends;
  const large = Buffer.from(`{"version":1,"commands":[${'{},'.repeat(LARGE_BYTES / 3)}{}]}`);
  const next = order('after-large');
  await publishRaw(central(), 'orders.g1', large);
  await publish(next);
  await eventually('the next order is decided', () => isDecided(next));
  const letter = await letterOf(large);
  expect(letter).toMatchObject({ error_class: 'unreadable', place: 'size', content: { bytes: large.length } });
  expect(Buffer.from(letter.content.base64, 'base64')).toEqual(large.subarray(0, MAX_MESSAGE_BYTES));
  expect(writer.ends).toBe(ends);
}, 120_000);
