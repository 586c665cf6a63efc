import { randomBytes } from 'node:crypto';
import type { Address } from '@eco/base';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import type { Command } from '@eco/contracts';
import { brokenChecks, verifyGroup } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { newOrderId } from '@eco/routing';
import { commandOf, eventually, startTestCluster, WriterProcess, type TestCluster } from '@eco/testing';

/*
 * Two writers in separate processes under constant load. One is killed, stalls and recovers, is asked to stop. On an
 * idle machine the other takes over within 2 s, and within 15 s from a stalled one; the limits here allow for a busy
 * machine.
 */

const KILLED_MS_MAX = 15_000;
const STOPPED_MS_MAX = 40_000;
/** Docker kills a container that takes longer. */
const LEAVES_MS_MAX = 10_000;

let cluster: TestCluster;
let reader: SideConnection;
let publisher: CommandPublisher;
const writers: WriterProcess[] = [];
const closing: { stop(): Promise<unknown> }[] = [];
const accepted: string[] = [];
let loading = true;
let load: Promise<void>;

const primary = () => cluster.groups[0]?.nodes[0] as Address;
const ask = <Row extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  reader.ask<Row>(text, values, 60_000);

async function keepOrdering(): Promise<void> {
  for (let n = 0; loading; n += 1) {
    const orders = Array.from({ length: 20 }, (_, index) => order(`customer-${(n * 20 + index) % 1000}`));
    const outcomes = await Promise.all(orders.map((one) => publisher.publish(one)));
    expect(outcomes).toEqual(orders.map(() => ({ type: 'confirmed' })));
    accepted.push(...orders.map(({ id }) => id));
  }
}

function order(customerId: string): Command {
  const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
  return commandOf('order.place', { orderId, customerId, branchId: null, lines: [{ productId: 'tea', quantity: 1 }] });
}

/** The group's term and last batch. */
async function readTerm(): Promise<{ term: number; seq: number }> {
  const [row] = await ask<{ term: string; seq: string }>('SELECT term, seq FROM eco.group_state');
  return { term: Number(row?.term), seq: Number(row?.seq) };
}

async function activeOne(): Promise<{ active: WriterProcess; other: WriterProcess }> {
  return eventually('one of the two is active', async () => {
    const roles = await Promise.all(writers.map((writer) => writer.role()));
    const index = roles.indexOf('active');
    if (index < 0 || roles[1 - index] !== 'standby') return undefined;
    return { active: writers[index] as WriterProcess, other: writers[1 - index] as WriterProcess };
  });
}

/** Calls `done`, which harms the active writer. Returns for how long no command was decided, ms. */
async function takenOver(done: () => void): Promise<number> {
  const before = await readTerm();
  const startedMs = performance.now();
  done();
  await eventually(
    'a batch of another leader',
    async () => {
      const { term, seq } = await readTerm();
      return term > before.term && seq > before.seq + 1;
    },
    { pauseMs: 20 },
  );
  return performance.now() - startedMs;
}

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 1 }], services: false });
  reader = new SideConnection(primary(), cluster.system.databaseLogin('eco_operator'), 'spec');
  const brokers = cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort }));
  const connection = new BrokerConnection({
    access: { brokers, ...cluster.system.brokerLogin('central') },
    name: 'spec',
  });
  publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 60_000 });
  connection.start();
  publisher.start();
  closing.push(publisher, connection);
  await eventually('the broker can be reached', () => publisher.obstacle === undefined);
  const tea = { productId: 'tea', name: 'Tea', priceCents: 320, stock: 1_000_000_000 };
  await publisher.publish(commandOf('product.create', tea));
  for (const name of ['writer-1', 'writer-2']) {
    const writer = new WriterProcess(cluster, name);
    writer.keepsRunning = true;
    writer.start();
    writers.push(writer);
  }
  await activeOne();
  load = keepOrdering();
}, 180_000);

afterAll(async () => {
  loading = false;
  for (const writer of writers) await writer.kill();
  for (const part of closing) await part.stop();
  reader.close();
  await cluster.destroy();
});

it('takes over from a killed writer', async () => {
  const { active } = await activeOne();
  expect(await takenOver(() => active.signal('SIGKILL'))).toBeLessThan(KILLED_MS_MAX);
}, 120_000);

it('takes over from a stalled writer, which writes nothing after it recovers', async () => {
  const { active } = await activeOne();
  expect(await takenOver(() => active.signal('SIGSTOP'))).toBeLessThan(STOPPED_MS_MAX);
  const { term } = await readTerm();
  active.signal('SIGCONT');
  await eventually('it stands by', async () => (await active.role()) === 'standby');
  expect((await readTerm()).term).toBe(term);
}, 180_000);

it('stops under full load in time, and the other writer continues', async () => {
  const { active } = await activeOne();
  let left: Promise<number> | undefined;
  await takenOver(() => {
    left = active.stop();
  });
  expect(await left).toBeLessThan(LEAVES_MS_MAX);
}, 120_000);

it('lost no command and decided none twice', async () => {
  loading = false;
  await load;
  await eventually(
    'every accepted order is decided',
    async () => {
      const [row] = await ask<{ n: string }>('SELECT count(*) AS n FROM eco.orders WHERE order_id = ANY ($1)', [
        accepted,
      ]);
      return Number(row?.n) === accepted.length;
    },
    { deadlineMs: 120_000 },
  );
  const [row] = await ask<{ n: string }>('SELECT count(*) AS n FROM eco.orders');
  expect(Number(row?.n)).toBe(accepted.length);
  expect(await ask(`SELECT command_id, reason FROM eco.dead_letter`)).toEqual([]);
  expect(brokenChecks(await verifyGroup(primary(), cluster.system.databaseLogin('eco_operator')))).toEqual([]);
}, 180_000);
