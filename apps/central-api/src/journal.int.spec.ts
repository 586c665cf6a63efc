import { createSecretKey } from 'node:crypto';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { anonymousPrincipal } from '@eco/access';
import { BrokerConnection, CommandPublisher, manage } from '@eco/broker';
import { headers as headerNames, type CommandBody } from '@eco/contracts';
import { createFrame } from '@eco/service';
import { CommandIntake, LocalAcceptance } from '@eco/intake';
import { Reads } from '@eco/reads';
import { apiClientOf, Callers, eventually, startTestCluster, type Answered, type TestCluster } from '@eco/testing';

/*
 * Commands that Central accepts while no broker confirms. The servers are real: one broker, so that all brokers can be
 * away, and one group. The processes are the built ones. The journal is as small as possible, so that a test can fill
 * it.
 */

let cluster: TestCluster;
let central: string;
let operators: string;

beforeAll(async () => {
  process.env['ECO_JOURNAL_MB'] = '1';
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 0 }], writersPerGroup: 1 });
  central = service('central-api').url;
  operators = service('central-api').operatorsUrl;
}, 180_000);
afterAll(async () => {
  delete process.env['ECO_JOURNAL_MB'];
  await cluster.destroy();
});

function service(prefix: string) {
  const found = cluster.services.find(({ name }) => name.startsWith(prefix));
  if (found === undefined) throw new Error(`no service ${prefix}`);
  return found;
}
function broker() {
  const [only] = cluster.brokers;
  if (only === undefined) throw new Error('there is no broker');
  return only;
}

/** A confirm is awaited for 2 s. If most responses are faster, they waited for no broker; a busy machine may delay some. */
const AT_ONCE_MS = 1900;
const median = (all: readonly number[]) => [...all].sort((one, other) => one - other)[Math.floor(all.length / 2)];

const askCentral = apiClientOf(
  () => central,
  () => cluster.system.tokens,
);
const askAsOperator = apiClientOf(() => operators);

interface Timed extends Answered {
  ms: number;
}

async function ask(...asked: Parameters<typeof askCentral>): Promise<Timed> {
  const began = performance.now();
  const answer = await askCentral(...asked);
  return { ...answer, ms: performance.now() - began };
}

const order = (customerId: string, note = 'none') => ({ customerId, lines: [{ productId: note, quantity: 1 }] });
const durability = ({ headers }: Timed) => headers.get(headerNames.durability);
const someone = () => `ana-${randomUUID().slice(0, 8)}`;

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${operators}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
}

const journalIsEmpty = () =>
  eventually('the journal is empty', async () => (await metric('eco_journal_commands')) === 0, { deadlineMs: 90_000 });

async function decided(orderId: string): Promise<Record<string, unknown>> {
  return eventually(`order ${orderId} is decided`, async () => {
    const { status, body } = await ask('GET', `/orders/${orderId}`);
    return status === 200 && body['status'] !== 'pending' && body;
  });
}

async function countOf(customerId: string): Promise<number> {
  const { body } = await ask('GET', `/orders?customerId=${customerId}&limit=1000`);
  return (body['items'] as unknown[]).length;
}

it('accepts orders and cart commands at once while the broker is away, and has them decided when it is back', async () => {
  await broker().kill();
  const customerId = someone();
  const answers: Timed[] = [];
  for (let count = 0; count < 20; count += 1) answers.push(await ask('POST', '/orders', order(customerId)));
  // A client that would wait gets its response at once too.
  answers.push(await ask('POST', '/orders', order(customerId), { prefer: 'wait=30' }));
  answers.push(await ask('PUT', `/carts/${customerId}/items/cafe-premium`, { quantity: 3 }, { prefer: 'wait=30' }));
  answers.push(await ask('POST', `/carts/${customerId}/checkout`, undefined, { prefer: 'wait=30' }));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(answers.map(durability))).toEqual(new Set(['local']));
  expect(answers.map(({ headers }) => headers.get(headerNames.preferenceApplied))).toEqual(answers.map(() => null));
  expect(median(answers.map(({ ms }) => ms))).toBeLessThan(AT_ONCE_MS);

  // In its first seconds a process waits for the brokers instead.
  const ready = await eventually('it is ready without a broker', async () => {
    const answer = await askAsOperator('GET', '/health/ready');
    return answer.status === 200 && answer;
  });
  expect(ready.body['journal']).toMatch(/^23 wait, the oldest for \d+ s$/);
  expect(ready.body['broker']).toMatch(/no connection to a broker/);
  expect(await metric('eco_journal_oldest_seconds')).toBeGreaterThan(0);
  expect(await metric('eco_journal_bytes')).toBeGreaterThan(23 * 100);

  // Commands that hold or move stock, and customers, are refused: none of them is kept.
  const keyed = { 'idempotency-key': randomUUID() };
  for (const [at, body] of [
    ['/reservations', { customerId, lines: [{ productId: 'cafe-premium', quantity: 1 }], ttlSeconds: 60 }],
    ['/inventory/cafe-premium/adjustments', { delta: 1, reason: 'found' }],
    ['/customers', { name: 'Ana', email: 'ana@example.com' }],
  ] as const) {
    const refused = await ask('POST', at, body, keyed);
    expect([at, refused.status, refused.headers.get(headerNames.retryAfter)]).toEqual([at, 503, '2']);
  }
  expect(await metric('eco_journal_commands')).toBe(23);

  await broker().restart();
  await journalIsEmpty();
  const orderIds = answers.flatMap(({ body }) => (body['orderId'] === undefined ? [] : [body['orderId'] as string]));
  expect(orderIds).toHaveLength(22);
  for (const orderId of orderIds.slice(0, -1)) expect(await decided(orderId)).toMatchObject({ status: 'rejected' });
  // The cart edits were decided before the checkout.
  expect(await decided(orderIds.at(-1) as string)).toMatchObject({
    status: 'confirmed',
    lines: [{ productId: 'cafe-premium', quantity: 3 }],
  });
  expect(await countOf(customerId)).toBe(22);
  const after = await eventually('an order goes to the broker again', async () => {
    const again = await ask('POST', '/orders', order(customerId), { prefer: 'wait=5' });
    return again.status === 409 && again;
  });
  expect(durability(after)).toBeNull();
});

it('keeps a command that the broker does not confirm in time, and later ones at once', async () => {
  const customerId = someone();
  await broker().pause();
  let first: Timed;
  try {
    first = await ask('POST', '/orders', order(customerId));
    expect([first.status, durability(first)]).toEqual([202, 'local']);
    expect(first.ms).toBeGreaterThan(AT_ONCE_MS);
    // A lost connection would be noticed after 6 s at the earliest.
    expect(first.ms).toBeLessThan(5500);
    const next: Timed[] = [];
    for (let count = 0; count < 3; count += 1) next.push(await ask('POST', '/orders', order(customerId)));
    expect(next.map((each) => [each.status, durability(each)])).toEqual(next.map(() => [202, 'local']));
    expect(median(next.map(({ ms }) => ms))).toBeLessThan(AT_ONCE_MS);
  } finally {
    await broker().resume();
  }
  await journalIsEmpty();
  await decided(first.body['orderId'] as string);
  await eventually('all are decided, once', async () => (await countOf(customerId)) === 4);
});

it('keeps orders while their queue is full, and has them decided when it has room', async () => {
  const customerId = someone();
  const writer = service('shard-writer');
  const policy = async (method: string, body?: object) => {
    const management = { url: broker().managementUrl, ...cluster.system.brokerLogin('topology') };
    await manage(management, '/api/policies/ecomarket/spec', { method, body });
  };
  await writer.stop();
  await policy('PUT', {
    pattern: '^orders\\.g1$',
    definition: { 'max-length': 5, overflow: 'reject-publish' },
    priority: 9,
  });
  const answers: Timed[] = [];
  await eventually('Central keeps an order itself', async () => {
    answers.push(await ask('POST', '/orders', order(customerId)));
    return answers.at(-1)?.headers.get(headerNames.durability) === 'local';
  });
  for (let count = 0; count < 5; count += 1) answers.push(await ask('POST', '/orders', order(customerId)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
  await policy('DELETE');
  await writer.start();
  await journalIsEmpty();
  await eventually('all are decided, once', async () => (await countOf(customerId)) === answers.length);
});

it('keeps everything across a kill, starts without a broker, and accepts further orders', async () => {
  const customerId = someone();
  const api = service('central-api');
  await broker().kill();
  const before = await ask('POST', '/orders', order(customerId));
  await api.kill();
  await api.start();
  const after = await ask('POST', '/orders', order(customerId));
  expect([before, after].map((each) => [each.status, durability(each)])).toEqual(Array(2).fill([202, 'local']));
  expect(await metric('eco_journal_commands')).toBe(2);
  // The orders also survive an orderly stop.
  await api.stop();
  await api.start();
  expect(await metric('eco_journal_commands')).toBe(2);
  await broker().restart();
  await journalIsEmpty();
  for (const each of [before, after]) await decided(each.body['orderId'] as string);
});

it('refuses beyond the limit, and states when to retry', async () => {
  const customerId = someone();
  await broker().kill();
  // Each of these orders has some 15 kB.
  const large = {
    customerId,
    lines: Array.from({ length: 200 }, (_, n) => ({ productId: `p${n}-${'x'.repeat(50)}`, quantity: 1 })),
  };
  let refused: Timed | undefined;
  let taken = 0;
  const callers = new Callers(() => cluster.system.tokens);
  for (let count = 0; count < 200 && refused === undefined; count += 1) {
    // Each client has a share of its own.
    const answered = await ask('POST', '/orders', large, await callers.as({ id: `client-${count}`, role: 'manager' }));
    if (answered.status === 202) taken += 1;
    else refused = answered;
  }
  expect(refused).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:not-accepted' } });
  expect(refused?.headers.get(headerNames.retryAfter)).toBe('2');
  expect(refused?.body['detail']).toMatch(/the journal has no room within the share of this client/);
  expect(taken).toBeGreaterThan(10);
  expect(await askAsOperator('GET', '/health/ready')).toMatchObject({
    status: 503,
    body: { faults: [{ at: 'broker' }] },
  });
  await broker().restart();
  await journalIsEmpty();
  await eventually('it is ready again', async () => (await askAsOperator('GET', '/health/ready')).status === 200);
  await eventually(`all ${taken} are decided`, async () => (await countOf(customerId)) === taken);
});

it('accepts an order past a full journal, and cart commands only if they do not overtake earlier ones', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-overtake-'));
  const frame = createFrame({ name: 'overtaking', host: '127.0.0.1', port: 0, logLevel: 'silent' });
  const { host, amqpPort } = broker();
  const access = { brokers: [{ host, port: amqpPort }], ...cluster.system.brokerLogin('central') };
  const connection = new BrokerConnection({ access, name: 'overtaking' });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 30_000 });
  // The relay is not started yet. The state is that of a process with much to send just after the brokers' return.
  const local = new LocalAcceptance(frame, publisher, { dir, limitBytes: 100_000 });
  const reads = new Reads({
    groups: [],
    login: { user: 'nobody', password: '' },
    applicationName: 'overtaking',
    log: frame.log,
    registry: frame.metrics.registry,
  });
  const { stopping } = frame;
  const sharedIdKey = createSecretKey(Buffer.alloc(16));
  const intake = new CommandIntake({
    publisher,
    sentBy: 'overtaking',
    branchId: null,
    sharedIdKey,
    reads,
    local,
    stopping,
  });
  const [ana, luis] = [someone(), someone()];
  const requester = { principal: anonymousPrincipal(sharedIdKey), idempotencyKey: undefined };
  const request = { ...requester, correlationId: 'overtaking', waitSeconds: 0 };
  const put = (customerId: string, note = 'none') => {
    const id = intake.commandId(requester, 'order.place', customerId);
    const body = {
      customerId,
      branchId: null,
      lines: [{ productId: note, quantity: 1 }],
    } as CommandBody<'order.place'>;
    return intake.submit({ ...request, id, kind: 'order.place', body });
  };
  const edit = (customerId: string) => {
    const body = { customerId, productId: 'cafe-premium', quantity: 2 };
    return intake.submit({
      ...request,
      id: intake.commandId(requester, 'cart.edit', customerId),
      kind: 'cart.edit',
      body,
    });
  };
  const checkout = (customerId: string, orderId: string) => {
    const body = { customerId, branchId: null, orderId };
    return intake.submit({ ...request, id: orderId, kind: 'cart.checkout', body });
  };
  try {
    // Without a broker everything is kept, up to the limit.
    expect(await edit(ana)).toEqual({ type: 'accepted-locally' });
    await eventually('the journal is full', async () => (await put(ana, 'x'.repeat(60))).type !== 'accepted-locally');
    // An edit is the smallest of these commands, so afterwards none of them fits.
    const another = someone();
    await eventually('no edit fits', async () => (await edit(another)).type !== 'accepted-locally');
    connection.start();
    publisher.start();
    await eventually('the broker is reached', () => publisher.obstacle === undefined);

    expect(await put(ana)).toEqual({ type: 'accepted' });
    const anasOrder = intake.commandId(requester, 'cart.checkout', ana);
    expect(await checkout(ana, anasOrder)).toMatchObject({
      type: 'not-accepted',
      obstacle: expect.stringMatching(/this cart/) as string,
    });
    expect(await edit(luis)).toEqual({ type: 'accepted' });
    const luisOrder = intake.commandId(requester, 'cart.checkout', luis);
    expect(await checkout(luis, luisOrder)).toEqual({ type: 'accepted' });

    local.start();
    await eventually('the checkout is taken', async () => (await checkout(ana, anasOrder)).type !== 'not-accepted');
    for (const orderId of [luisOrder, anasOrder]) {
      expect(await decided(orderId)).toMatchObject({
        status: 'confirmed',
        lines: [{ productId: 'cafe-premium', quantity: 2 }],
      });
    }
  } finally {
    await local.stop();
    await publisher.stop();
    await connection.stop();
    local.close();
    rmSync(dir, { recursive: true });
  }
});
