import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { ChangeFeed, Consumers, type Consumer } from '@eco/consumers';
import { consumerRoles, headers, type Change, type ConsumerRole } from '@eco/contracts';
import { createFrame, type Frame } from '@eco/service';
import { ChangesReader, Reads } from '@eco/reads';
import { bucketOf, evenPlacement, formatPosition, groupOf, newOrderId, positionOf } from '@eco/routing';
import { BatchWriter, commandOf, eventually, startDatabaseGroups, type DatabaseGroup } from '@eco/testing';
import { SMTPServer } from 'smtp-server';
import { answerFrom } from './consumer-answer.js';
import { CentralCustomer } from './customers/customer.entity.js';
import { customersConsumer } from './customers/customers.consumer.js';
import { Mailer } from './notifications/mailer.js';
import { Notification } from './notifications/notification.entity.js';
import { notificationsConsumer } from './notifications/notifications.consumer.js';

/*
 * Consumers on two groups, without a broker: they then poll by themselves. Their tables are in g1. They apply changes
 * of g2, which has a replica, so that a failover can lose changes that they applied.
 */

const placement = evenPlacement(16, ['g1', 'g2']);
const ofG2 = Array.from({ length: 1_000 }, (_, n) => `g2-${n}`).filter(
  (key) => groupOf(placement, bucketOf(key, 16)) === 'g2',
);

const NO_BROKER = { brokers: [{ host: '127.0.0.1', port: 1 }], user: 'nobody', password: '' };

let g1: DatabaseGroup;
let g2: DatabaseGroup;
let home: BatchWriter;
let writer: BatchWriter;
let reads: Reads;
let frame: Frame;
let consumers: Consumers;

beforeAll(async () => {
  [g1, g2] = (await startDatabaseGroups([
    { id: 'g1', replicas: 0 },
    { id: 'g2', replicas: 1 },
  ])) as [DatabaseGroup, DatabaseGroup];
  [home, writer] = await Promise.all([BatchWriter.open(g1), BatchWriter.open(g2)]);
  frame = createFrame({ name: 'spec', host: '127.0.0.1', port: 0, logLevel: 'silent' });
  reads = new Reads({
    groups: [g1, g2].map(({ id, servers }) => ({ id, nodes: servers.map(({ host, port }) => ({ host, port })) })),
    login: g1.login('eco_reader'),
    applicationName: 'spec',
    log: frame.log,
    registry: frame.metrics.registry,
    settings: { probeEveryMs: 100 },
  });
  await reads.start();
  consumers = new Consumers({
    consumers: [customersConsumer, notificationsConsumer],
    running: [],
    reads,
    access: NO_BROKER,
    passwords: passwordsOf(g1),
    applicationName: 'spec',
    registry: frame.metrics.registry,
    log: frame.log,
  });
}, 120_000);
afterAll(async () => {
  await consumers?.close();
  reads?.stop();
  await home?.close();
  await writer?.close();
  await g1?.stop();
});

function feedOf(consumer: Consumer): ChangeFeed {
  const feed = new ChangeFeed({
    consumer,
    store: consumers.storeOf(consumer),
    access: NO_BROKER,
    groupIds: ['g1', 'g2'],
    changes: new ChangesReader(reads),
    log: frame.log,
  });
  feed.start();
  return feed;
}

function passwordsOf(group: DatabaseGroup): Record<ConsumerRole, string> {
  const passwords = consumerRoles.map((role) => [role, group.login(role).password]);
  return Object.fromEntries(passwords) as Record<ConsumerRole, string>;
}

const register = (customerId: string) =>
  writer.write(commandOf('customer.register', { customerId, name: 'Ana', email: 'ana@example.com', branchId: null }));

/** Central's table of customers, as clients read it. */
async function customers(sent: { lagMsMax?: number } = {}) {
  const { result, headers: answered } = await answerFrom(
    consumers,
    customersConsumer,
    { 'ecomarket-max-lag-ms': sent.lagMsMax },
    (manager) => manager.find(CentralCustomer),
  );
  return { ids: result.map(({ customerId }) => customerId).sort(), answered };
}

it('an answer states the age of the changes that a stopped consumer has not applied', async () => {
  const first = ofG2[0] as string;
  await register(first);
  const feed = feedOf(customersConsumer);
  await eventually('it is applied', async () => (await customers()).ids.includes(first));
  await feed.stop();
  const lagMs = async () => Number((await customers()).answered[headers.lagMs]);
  // An idle group with an up-to-date consumer behaves the same: the lag is that of the node.
  await eventually('nothing is missing', async () => (await lagMs()) < 500);

  const second = ofG2[1] as string;
  await register(second);
  await eventually('the missing customer shows in the lag', async () => (await lagMs()) > 1_500);
  await eventually('a reader that asks for less is refused', () =>
    customers({ lagMsMax: 500 }).then(
      () => false,
      ({ problem }: { problem?: string }) => problem === 'not-fresh',
    ),
  );
  const { ids } = await eventually('one that takes it is answered', () => customers({ lagMsMax: 600_000 }));
  expect(ids).not.toContain(second);
  const again = feedOf(customersConsumer);
  await eventually('it is applied', async () => (await customers({ lagMsMax: 5_000 })).ids.includes(second));
  await again.stop();
});

it('a consumer skips a type of change that only a newer writer knows, and applies what follows', async () => {
  const [newer, after] = ofG2.slice(5, 7) as [string, string];
  const { replies } = await register(newer);
  const toNewerType = `UPDATE eco.outcome_row SET change_type = 'customer.merged' WHERE command_id = $1`;
  await g2.asSuperuser(toNewerType, [replies[0]?.commandId]);
  await register(after);
  const feed = feedOf(customersConsumer);
  const { ids } = await eventually('what follows is applied', async () => {
    const seen = await customers();
    return seen.ids.includes(after) && seen;
  });
  expect(ids).not.toContain(newer);
  expect(feed.trouble).toBeUndefined();
  await feed.stop();
});

it('a batch too large for one transaction is applied in parts, once each, across a stop in the middle', async () => {
  const products = ofG2.slice(100, 300);
  const lines = products.map((productId) => ({ productId, quantity: 1 }));
  await writer.write(
    ...products.map((productId) => commandOf('product.create', { productId, name: 'P', priceCents: 1, stock: 1_000 })),
  );
  const customerId = ofG2[2] as string;
  const orders = Array.from({ length: 60 }, () => {
    const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
    return commandOf('order.place', { orderId, customerId, branchId: null, lines });
  });
  const { position } = await writer.write(...orders);

  const places: string[] = [];
  const sizes: number[] = [];
  const isInside = () => places.at(-1)?.startsWith(`${position.seq}.`) === true;
  const follower = (stopInside: boolean): Consumer => ({
    ...customersConsumer,
    topics: ['stock'],
    async apply(_manager, changes: readonly Change[]) {
      if (stopInside && isInside()) throw new Error('the process ends');
      sizes.push(changes.length);
      places.push(...changes.map(({ seq, n }) => `${seq}.${n}`));
    },
  });
  const ended = feedOf(follower(true));
  await eventually('it has applied the batch in part', isInside);
  await ended.stop();
  // Readers get the position of the last completely applied batch.
  const { headers: answered } = await answerFrom(consumers, follower(true), {}, async () => undefined);
  expect(answered[headers.position]).toBe(formatPosition(positionOf([{ ...position, seq: position.seq - 1 }])));

  const next = feedOf(follower(false));
  const all = products.length * (1 + orders.length);
  await eventually('it has applied all of it', () => places.length >= all);
  await next.stop();
  expect([places.length, new Set(places).size]).toEqual([all, all]);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(5_000);
});

it('a consumer that applied batches lost in a failover continues on the new history and misses nothing of it', async () => {
  const [kept, lost, ...later] = ofG2.slice(10, 16) as [string, string, ...string[]];
  const [primary, replica] = g2.servers as [DatabaseGroup['servers'][number], DatabaseGroup['servers'][number]];
  const feed = feedOf(customersConsumer);
  await register(kept);
  await eventually('what stays is applied', async () => (await customers()).ids.includes(kept));

  // One batch that the replica does not receive: it commits because it waits for none, and is lost with its machine.
  await g2.asSuperuser(`ALTER SYSTEM SET synchronous_standby_names = ''`);
  await g2.asSuperuser('SELECT pg_reload_conf()');
  await eventually('nobody waits for the replica', async () => {
    const [row] = await g2.asSuperuser<{ names: string }>(
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    return row?.names === '';
  });
  await replica.kill();
  await register(lost);
  const gone = await register(ofG2[20] as string);
  await eventually('what will be lost is applied', async () => (await customers()).ids.includes(ofG2[20] as string));
  await primary.kill();
  await replica.start();
  await eventually('the replica answers', () => g2.asSuperuser('SELECT 1', [], replica));
  await replica.promote();
  await writer.close();
  await eventually('nobody is waited for there', async () => {
    await g2.asSuperuser(`ALTER SYSTEM SET synchronous_standby_names = ''`, [], replica);
    await g2.asSuperuser('SELECT pg_reload_conf()', [], replica);
    return true;
  });
  writer = await eventually('a new leader', () => BatchWriter.open(g2, replica));

  // Later batches get the numbers of the lost ones.
  const written = [];
  for (const id of later) written.push(await register(id));
  expect(written[1]?.position.seq).toBe(gone.position.seq);
  const { ids } = await eventually('everything of the new history is applied', async () => {
    const seen = await customers();
    return later.every((id) => seen.ids.includes(id)) && seen;
  });
  expect(ids).toEqual(expect.arrayContaining([kept, lost]));
  expect(feed.setBack).toBe(1);
  await eventually('the consumer is well', () => feed.trouble === undefined);
  await feed.stop();
});

describe('the mailer', () => {
  afterEach(() => jest.useRealTimers());

  /** Imitates a machine with a wrong clock. Only reads of the clock change. */
  function clockOffBy(ms: number): void {
    jest.useRealTimers();
    jest.useFakeTimers({
      now: Date.now() + ms,
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ],
    });
  }

  it('uses one clock for claims and queries, so that wrong clocks neither delay a mail nor send it twice', async () => {
    const notifications = consumers.storeOf(notificationsConsumer);
    let finish = () => undefined as void;
    const held = new Promise<void>((resolve) => (finish = resolve));
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS', 'AUTH'],
      onData(stream, _session, callback) {
        stream.resume();
        void held.then(() => callback());
      },
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.server.address() as AddressInfo;
    const { log } = frame;
    const { registry } = frame.metrics;
    const mailer = new Mailer({
      store: notifications,
      server: { url: `smtp://127.0.0.1:${port}` },
      registry,
      log,
      keepSentMs: 100 * 365 * 86_400_000,
    });
    try {
      const [id, customerId] = ['0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e', 'ana'];
      clockOffBy(600_000);
      await notifications.write((manager) =>
        notificationsConsumer.apply(
          manager,
          [
            {
              type: 'customer.registered',
              seq: 1,
              n: 1,
              commandId: id,
              at: '2026-11-24T12:00:00.000Z',
              data: {
                customerId,
                name: 'Ana',
                email: 'ana@example.com',
                emailConfirmed: true,
                branchId: null,
                registeredAt: '2026-11-24T12:00:00.000Z',
              },
            },
          ],
          'g1',
        ),
      );
      clockOffBy(-600_000);
      mailer.start();
      const claimedFor = () =>
        g1.asSuperuser<{ seconds: number }>(
          'SELECT extract(epoch FROM next_try_at - now())::float8 AS seconds FROM notifications.notification',
        );
      await eventually('it is claimed, for minutes', async () => ((await claimedFor())[0]?.seconds ?? 0) > 60);
      finish();
      const sent = await eventually('it is sent', async () => {
        const found = await notifications.write((manager) => manager.findOneByOrFail(Notification, { id }));
        return found.state === 'sent' && found;
      });
      jest.useRealTimers();
      expect(Math.abs(Date.now() - (sent.sentAt?.getTime() ?? 0))).toBeLessThan(300_000);
    } finally {
      finish();
      jest.useRealTimers();
      await mailer.stop();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  });
});
