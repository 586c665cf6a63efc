import { randomBytes } from 'node:crypto';
import type { Address } from '@eco/base';
import {
  BrokerConnection,
  CommandConsumer,
  CommandPublisher,
  EventAnnouncer,
  EventSubscription,
  ReplySender,
  type Announcement,
} from '@eco/broker';
import type { BrokerUser, Command, ReceivedEvent, ReceivedHeartbeat } from '@eco/contracts';
import { brokenChecks, verifyGroup } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { createLog, Metrics } from '@eco/service';
import { newOrderId } from '@eco/routing';
import { commandOf, eventually, publishRaw, startTestCluster, type TestCluster } from '@eco/testing';
import { Leadership, PrimaryWatch } from '@eco/writer';
import { WriterMetrics } from './metrics.js';
import { Writer } from './writer.js';

/* Two writers of one group on real servers: a broker, a primary and a replica. */

let cluster: TestCluster;
let reader: SideConnection;
let superuser: SideConnection;
let publisher: CommandPublisher;
const running: { stop(): Promise<void> }[] = [];
const events: ReceivedEvent[] = [];
const heartbeats: ReceivedHeartbeat[] = [];

function started<T extends { start(): unknown; stop(): Promise<void> }>(part: T): T {
  part.start();
  running.unshift(part);
  return part;
}

const access = (user: BrokerUser) => ({
  brokers: cluster.brokers.map(({ host, amqpPort }) => ({ host, port: amqpPort })),
  ...cluster.system.brokerLogin(user),
});
const nodes = () => (cluster.groups[0] as TestCluster['groups'][number]).nodes;
const log = createLog({ name: 'spec', logLevel: 'silent' });

function startWriter() {
  const connection = (name: string) => started(new BrokerConnection({ access: access('writer.g1'), name }));
  const [taking, publishing] = [connection('takes'), connection('publishes')];
  const consumer = new CommandConsumer({ connection: taking, group: 'g1' });
  const replies = new ReplySender({ connection: publishing });
  const announcer = new EventAnnouncer({ connection: publishing });
  for (const { channel } of [replies, announcer]) started(channel);
  const writer = new Writer({
    consumer,
    replies,
    announcer,
    metrics: new WriterMetrics(new Metrics().registry),
    log,
    batchLimit: 1000,
  });
  const leadership = started(
    new Leadership({ writer, nodes: nodes(), login: cluster.system.databaseLogin('eco_writer'), log }),
  );
  return { leadership, taking, consumer };
}

let first: ReturnType<typeof startWriter>;
let second: ReturnType<typeof startWriter>;
const active = () => [first, second].find(({ leadership }) => leadership.role === 'active');
const standby = () => [first, second].find((writer) => writer !== active()) as typeof first;

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 1 }], services: false });
  const primary = nodes()[0] as Address;
  reader = new SideConnection(primary, cluster.system.databaseLogin('eco_operator'), 'spec');
  superuser = new SideConnection(primary, cluster.system.databaseLogin('postgres'), 'spec');
  const connection = started(new BrokerConnection({ access: access('central'), name: 'asks' }));
  publisher = started(new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 30_000 }));
  const handler = (announcement: Announcement) =>
    void (announcement.type === 'event' ? events.push(announcement.event) : heartbeats.push(announcement.heartbeat));
  started(new EventSubscription({ access: access('consumers'), consumer: 'statistics', handler, silenceMs: 60_000 }));
  first = startWriter();
  await eventually('the first one leads', () => first.leadership.role === 'active');
  second = startWriter();
  await eventually('the second one stands by', () => second.leadership.obstacle === undefined);
  await eventually('the spec receives heartbeats', () => heartbeats.length > 0);
  await ask(commandOf('product.create', { productId: 'tea', name: 'Tea', priceCents: 320, stock: 100_000 }));
}, 180_000);

afterAll(async () => {
  for (const part of running) await part.stop();
  reader.close();
  superuser.close();
  await cluster.destroy();
});

function order(customerId: string, quantity = 1): Command {
  const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId });
  const lines = [{ productId: 'tea', quantity }];
  return commandOf('order.place', { orderId, customerId, branchId: null, lines });
}

async function ask(command: Command) {
  const { outcome, reply } = publisher.publishAndWait(command, { waitMs: 60_000 });
  expect(await outcome).toEqual({ type: 'confirmed' });
  return reply;
}

async function publish(commands: Command[]): Promise<void> {
  const outcomes = await Promise.all(commands.map((command) => publisher.publish(command)));
  expect(new Set(outcomes.map(({ type }) => type))).toEqual(new Set(['confirmed']));
}

async function outcomesOf(commands: Command[]): Promise<number> {
  const text = 'SELECT count(*) AS n FROM eco.outcome WHERE command_id = ANY ($1::uuid[])';
  const [row] = await reader.ask<{ n: string }>(text, [commands.map(({ id }) => id)], 30_000);
  return Number(row?.n);
}

const allSettled = (commands: Command[]) =>
  eventually('all have an outcome', async () => (await outcomesOf(commands)) === commands.length);

/** Numbers of the batches that decided these commands, in order. */
async function seqsOf(commands: Command[]): Promise<number[]> {
  const text = 'SELECT command_id, seq FROM eco.outcome WHERE command_id = ANY ($1::uuid[])';
  const rows = await reader.ask<{ command_id: string; seq: string }>(text, [commands.map(({ id }) => id)], 30_000);
  const seqs = new Map(rows.map((row) => [row.command_id, Number(row.seq)]));
  return commands.map(({ id }) => seqs.get(id) as number);
}

/** Holds back every batch until the returned function is called. */
async function holdBatches(): Promise<() => void> {
  const blocker = new SideConnection(superuser.node, superuser.login, 'spec');
  await blocker.ask('BEGIN', [], 20_000);
  await blocker.ask('SELECT FROM eco.group_state FOR UPDATE', [], 20_000);
  return () => blocker.close();
}

it('replies to the sender of a command that becomes a dead letter, also if its schema forbids it', async () => {
  const command = order('ana');
  const reply = await ask({ ...command, body: { ...command.body, lines: [] } } as unknown as Command);
  expect(reply?.reply).toMatchObject({
    type: 'dead-letter',
    commandId: command.id,
    reason: expect.stringContaining('/body/lines: must hold at least 1 line') as string,
  });
});

it('replies to the waiting caller with the position of the deciding batch; a repeat gets the first reply', async () => {
  const command = order('ana', 2);
  const reply = await ask(command);
  expect(reply?.reply).toMatchObject({
    type: 'outcome',
    status: 'done',
    repeated: false,
    result: { totalCents: 640 },
  });
  expect(reply?.position).toMatch(/^g1=\d+\.[0-9a-f]{8}\.\d+$/);
  const again = await ask({ ...command, stamp: order('ana').stamp });
  expect(again?.reply).toEqual({ ...reply?.reply, repeated: true });
  const other = { ...order('ana', 3), id: command.id };
  other.body = { ...other.body, orderId: command.id };
  expect((await ask(other))?.reply).toEqual({ type: 'key-conflict', commandId: command.id });
});

it('announces every batch with the previous one of its topic, and the last batch of each topic in heartbeats', async () => {
  let position = '';
  for (let n = 0; n < 5; n += 1) position = (await ask(order('ana')))?.position ?? '';
  const lastSeq = Number(position.split('.').at(-1));
  await eventually('the last event is received', () =>
    events.some(({ topic, seq }) => topic === 'orders' && seq === lastSeq),
  );
  const orders = events.filter(({ topic }) => topic === 'orders');
  orders.slice(1).forEach((event, index) => expect(event.previousSeq).toBe(orders[index]?.seq));
  const last = orders.at(-1);
  expect(last?.changes).toMatchObject([{ type: 'order.confirmed', seq: last?.seq, data: { customerId: 'ana' } }]);
  await eventually('a heartbeat names the last batch', () => heartbeats.at(-1)?.lastSeqs.orders === last?.seq);
  const [row] = await reader.ask<{ data: object }>(
    `SELECT data FROM eco.change WHERE topic = 'orders' AND seq = $1`,
    [last?.seq],
    20_000,
  );
  expect(last?.changes?.[0]?.data).toEqual(row?.data);
});

it('keeps an unreadable command as a dead letter, and continues', async () => {
  const payload = 'no command \u0000 at all';
  await publishRaw(access('central'), 'orders.g1', payload);
  const letters = () => reader.ask(`SELECT FROM eco.dead_letter WHERE error_class = 'unreadable'`, [], 20_000);
  await eventually('the dead letter exists', async () => (await letters()).length === 1);
  const unsigned = { ...order('ana'), sentBy: undefined } as unknown as Command;
  await publish([unsigned]);
  const sender = await eventually('the unsigned dead letter exists', async () => {
    const text = 'SELECT sent_by FROM eco.dead_letter WHERE command_id = $1';
    return (await reader.ask<{ sent_by: string }>(text, [unsigned.id], 20_000))[0]?.sent_by;
  });
  expect(sender).toBe('central');
  expect((await ask(order('ana')))?.reply).toMatchObject({ type: 'outcome', status: 'done' });
});

it('hands over when it stops in the middle of work; nothing is missing or done twice', async () => {
  const leader = active() as typeof first;
  const commands = Array.from({ length: 2000 }, (_, index) => order(`customer-${index}`));
  const publishing = publish(commands);
  await eventually('the writer is deciding', async () => (await outcomesOf(commands)) > 0, { pauseMs: 5 });
  const startedAt = performance.now();
  await leader.leadership.stop();
  // Docker kills a container that takes longer.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  await publishing;
  await allSettled(commands);
  expect(leader.leadership.role).toBe('standby');
  const replacement = startWriter();
  if (leader === first) first = replacement;
  else second = replacement;
  await eventually('there is a standby again', () => replacement.leadership.obstacle === undefined);
});

it('continues after its session was terminated', async () => {
  const term = active()?.leadership.leaderTerm?.term ?? 0;
  const commands = Array.from({ length: 500 }, (_, index) => order(`customer-${index}`));
  const publishing = publish(commands);
  const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'eco writer'`;
  await superuser.ask(end, [], 20_000);
  await publishing;
  await allSettled(commands);
  await eventually('another leadership', () => (active()?.leadership.leaderTerm?.term ?? 0) > term);
  await eventually('both are well', () => [first, second].every(({ leadership }) => leadership.obstacle === undefined));
});

it('acknowledges nothing before it is committed', async () => {
  const leader = active() as typeof first;
  const held = () => leader.consumer.counts['orders.g1']?.unacknowledgedMessages;
  await eventually('no delivery is unacknowledged', () => held() === 0);
  // The fence needs this row, so the batch waits for it too.
  const blocker = new SideConnection(superuser.node, superuser.login, 'spec');
  await blocker.ask('BEGIN', [], 20_000);
  await blocker.ask('SELECT FROM eco.group_state FOR UPDATE', [], 20_000);
  const taken = leader.consumer.counts['orders.g1']?.messages ?? 0;
  const command = order('ana');
  await publish([command]);
  await eventually(
    'the writer has taken the message',
    () => (leader.consumer.counts['orders.g1']?.messages ?? 0) > taken,
  );
  await eventually('its batch waits', async () => {
    const waits = `SELECT FROM pg_stat_activity WHERE application_name = 'eco writer' AND wait_event_type = 'Lock'`;
    return (await superuser.ask(waits, [], 20_000)).length > 0;
  });
  // Acknowledgements reach the broker a moment after the decision.
  const since = performance.now();
  await eventually('some time has passed', () => performance.now() - since > 500);
  expect(held()).toBe(1);
  blocker.close();
  await allSettled([command]);
  await eventually('the writer acknowledges', () => held() === 0);
});

it('removes expired rows in bounded numbers while it decides', async () => {
  await superuser.ask(
    `INSERT INTO eco.tombstone (command_id, seq, bucket, reason, at)
     SELECT gen_random_uuid(), 0, 0, 'order-cancelled', now() - make_interval(days => CASE WHEN n = 1 THEN 170 ELSE 190 END)
     FROM generate_series(1, 700) n`,
    [],
    20_000,
  );
  await eventually('all rows older than 180 days are gone', async () => {
    expect((await ask(order('ana')))?.reply).toMatchObject({ type: 'outcome', status: 'done' });
    const [row] = await reader.ask<{ n: string }>('SELECT count(*) AS n FROM eco.tombstone', [], 20_000);
    return row?.n === '1';
  });
});

it('confirms nothing while no replica streams, requeues its deliveries, and decides them once a replica streams', async () => {
  const replica = nodes()[1];
  await replica?.pause();
  const leader = active() as typeof first;
  const commands = Array.from({ length: 20 }, (_, index) => order(`customer-${index}`));
  await publish(commands);
  const obstacle = await eventually('the active writer says what it waits for', () => leader.leadership.obstacle);
  expect(obstacle).toMatch(/waited \d+ s for the database/);
  await eventually('its deliveries are requeued', () => !leader.consumer.isSubscribed);
  expect(await outcomesOf(commands)).toBe(0);
  await eventually('the other one stands by', () => standby().leadership.obstacle === undefined);
  await replica?.resume();
  await allSettled(commands);
  await eventually('it takes commands again', () => leader.consumer.isSubscribed);
  expect((await ask(order('ana')))?.reply).toMatchObject({ type: 'outcome', status: 'done' });
});

it('requeues deliveries that arrive while a heartbeat waits for a replica', async () => {
  const replica = nodes()[1];
  await replica?.pause();
  const leader = active() as typeof first;
  await eventually('the idle writer says what it waits for', () =>
    /waited \d+ s/.test(leader.leadership.obstacle ?? ''),
  );
  expect(leader.leadership.waitedMs).toBeGreaterThan(4000);
  const command = order('ana');
  await publish([command]);
  await eventually('the deliveries are requeued', () => !leader.consumer.isSubscribed);
  expect(await outcomesOf([command])).toBe(0);
  await replica?.resume();
  await allSettled([command]);
  await eventually('it takes commands again', () => leader.consumer.isSubscribed);
});

describe('while the table of cart items is locked', () => {
  let locker: SideConnection;

  beforeEach(async () => {
    await eventually(
      'no delivery is unacknowledged',
      () => active()?.consumer.counts['orders.g1']?.unacknowledgedMessages === 0,
    );
    locker = new SideConnection(superuser.node, superuser.login, 'spec');
    await locker.ask('BEGIN', [], 20_000);
    await locker.ask('LOCK TABLE eco.cart_item IN ACCESS EXCLUSIVE MODE', [], 20_000);
  });
  afterEach(() => locker.close());

  const waitsForLock = () =>
    eventually('a batch waits for the lock', async () => {
      const text = `SELECT FROM pg_stat_activity WHERE application_name = 'eco writer' AND wait_event_type = 'Lock'`;
      return (await superuser.ask(text, [], 20_000)).length > 0;
    });

  /** Ends the session while commands are tried, so that they are redelivered. */
  async function endSession(): Promise<void> {
    await waitsForLock();
    await endWaiting();
  }
  const endWaiting = () =>
    superuser.ask(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE application_name = 'eco writer' AND wait_event_type = 'Lock'`,
      [],
      20_000,
    );

  const edit = (customerId: string) => commandOf('cart.edit', { customerId, productId: 'tea', quantity: 2 });

  it('orders the edited cart although the edit was delivered three times and the checkout once', async () => {
    await publish([edit('three-times')]);
    await endSession();
    await endSession();
    await waitsForLock();
    const orderId = newOrderId({ nowMs: Date.now(), random: randomBytes(10), customerId: 'three-times' });
    const checkout = commandOf('cart.checkout', { orderId, customerId: 'three-times', branchId: null });
    const reply = ask(checkout);
    await eventually(
      'both messages are taken',
      () => active()?.consumer.counts['orders.g1']?.unacknowledgedMessages === 2,
    );
    locker.close();
    expect((await reply)?.reply).toMatchObject({
      type: 'outcome',
      status: 'done',
      result: { status: 'confirmed', lines: [{ productId: 'tea', quantity: 2 }] },
    });
  });

  it('dead-letters no command that was tried alone three times when its session ended', async () => {
    const command = edit('innocent');
    await publish([command]);
    const tries = () =>
      superuser.ask<{ tries: number; tried_by: string[] }>('SELECT tries, tried_by FROM eco.suspect', [], 20_000);
    // The command is delivered twice without suspicion and then tried three times alone. The end of its session ends
    // everything else that waits for the table.
    await eventually('the command was tried three times, and its writer has withdrawn each try', async () => {
      const [row] = await tries();
      if (row !== undefined && row.tries >= 3 && row.tried_by.length === 0) return true;
      await endWaiting();
      return false;
    });
    locker.close();
    await allSettled([command]);
    expect(await reader.ask('SELECT FROM eco.dead_letter WHERE command_id = $1', [command.id], 20_000)).toEqual([]);
    expect(await tries()).toEqual([]);
  });
});

it('dead-letters a command that an operator has condemned', async () => {
  const command = order('condemned');
  const row = `INSERT INTO eco.suspect (suspect_id, command_ids, tries, seq, condemned) VALUES ($1, ARRAY[$1::uuid], 3, 0, true)`;
  await superuser.ask(row, [command.id], 20_000);
  const term = active()?.leadership.leaderTerm?.term ?? 0;
  await superuser.ask(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'eco writer'`,
    [],
    20_000,
  );
  await eventually('another leadership', () => (active()?.leadership.leaderTerm?.term ?? 0) > term);
  await publish([command]);
  const letters = () =>
    reader.ask('SELECT error_class FROM eco.dead_letter WHERE command_id = $1', [command.id], 20_000);
  await eventually('the command is a dead letter', async () => (await letters()).length > 0);
  expect(await letters()).toEqual([{ error_class: 'process' }]);
  expect(await outcomesOf([command])).toBe(0);
});

it('splits a batch that takes the server too long, without losing the leadership', async () => {
  const term = active()?.leadership.leaderTerm?.term;
  await superuser.ask(
    `CREATE FUNCTION eco.too_slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF (SELECT count(*) FROM added) > 60 THEN PERFORM pg_sleep(30); END IF; RETURN NULL; END $$`,
    [],
    20_000,
  );
  await superuser.ask(
    `CREATE TRIGGER too_slow AFTER INSERT ON eco.orders REFERENCING NEW TABLE AS added
       FOR EACH STATEMENT EXECUTE FUNCTION eco.too_slow()`,
    [],
    20_000,
  );
  const commands = Array.from({ length: 100 }, (_, index) => order(`customer-${index}`));
  const release = await holdBatches();
  await publish(commands);
  release();
  await allSettled(commands);
  await superuser.ask('DROP FUNCTION eco.too_slow CASCADE', [], 20_000);
  const seqs = await seqsOf(commands);
  expect(new Set(seqs).size).toBeGreaterThan(1);
  expect([...seqs].sort((a, b) => a - b)).toEqual(seqs);
  expect(active()?.leadership.leaderTerm?.term).toBe(term);
});

it('decides a small order while many fulfilments of large orders wait', async () => {
  const lines = Array.from({ length: 200 }, (_, index) => ({ productId: `large-${index}`, quantity: 1 }));
  await publish(
    lines.map(({ productId }) =>
      commandOf('product.create', { productId, name: productId, priceCents: 1, stock: 1000 }),
    ),
  );
  const large = Array.from({ length: 40 }, () => ({ ...order('ana'), body: {} }) as Command);
  for (const each of large) Object.assign(each.body, { orderId: each.id, customerId: 'ana', branchId: null, lines });
  await publish(large);
  await allSettled(large);
  const fulfilments = large.map(({ id }) => commandOf('order.fulfil', { orderId: id, customerId: 'ana' }));
  const small = order('bo');
  const release = await holdBatches();
  await publish([...fulfilments, small]);
  release();
  await allSettled([...fulfilments, small]);
  const seqs = await seqsOf(fulfilments);
  expect([...seqs].sort((a, b) => a - b)).toEqual(seqs);
  expect(new Set(seqs).size).toBeGreaterThanOrEqual(2);
  expect((await seqsOf([small]))[0]).toBeLessThan(Math.max(...seqs));
});

it('recreates the slot of an absent replica so that it frees row versions, and recovers when the replica is back', async () => {
  const watch = started(
    new PrimaryWatch({
      primary: () => (active() ?? first).leadership.knownPrimary,
      absentMsMax: 1000,
      log,
    }),
  );
  await eventually('the watch has looked', () => watch.clocks !== undefined);
  expect(watch.absent).toEqual([]);
  await nodes()[1]?.kill();
  await eventually('the slot that holds back vacuum is seen', () => watch.absent.length === 1);
  await eventually('the slot is recreated', () => watch.renewed === 1);
  await eventually('nothing is held back', () => watch.absent.length === 0);
  await nodes()[1]?.start();
  const command = order('ana');
  await publish([command]);
  await allSettled([command]);
  await watch.stop();
});

it('takes no term while no writer can take commands', async () => {
  const terms = () =>
    reader.ask<{ term: string; tag: string }>('SELECT term, tag FROM eco.group_term ORDER BY term', [], 20_000);
  const leader = async () => {
    const [row] = await reader.ask<{ leader_tag: string }>('SELECT leader_tag FROM eco.group_position', [], 20_000);
    return row?.leader_tag;
  };
  await eventually('one leads, the other stands by', () => standby().leadership.obstacle === undefined);
  const [before, tag] = [await terms(), await leader()];
  await Promise.all([first, second].map(({ taking }) => taking.stop()));
  await eventually('another leadership has begun', async () => (await leader()) !== tag);
  expect(await terms()).toEqual(before);
  for (const { taking } of [first, second]) taking.start();
  expect((await ask(order('ana')))?.reply).toMatchObject({ type: 'outcome', status: 'done' });
  expect((await terms()).length).toBe(before.length + 1);
});

it('gives up the leadership when it is not subscribed', async () => {
  const leader = active() as typeof first;
  await leader.taking.stop();
  const command = order('ana');
  await publish([command]);
  await allSettled([command]);
  expect(leader.leadership.role).toBe('standby');
  leader.taking.start();
});

it('leaves data that satisfies every rule', async () => {
  const primary = nodes()[0] as Address;
  expect(brokenChecks(await verifyGroup(primary, cluster.system.databaseLogin('eco_operator')))).toEqual([]);
});
