import { createSecretKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { StartError } from '@eco/base';
import { headers, type Problem } from '@eco/contracts';
import { Authorization, createFrame, startService, type Frame, type Service } from '@eco/service';
import { openIntake, type OpenIntake } from '@eco/intake';
import { readJournals } from '@eco/journal';
import { Reads } from '@eco/reads';
import { anonymousClientOf, apiClientOf, Callers, eventually, specTokens } from '@eco/testing';
import { allCommandRoutes, CommandRoutes, StoredOwners } from './command-routes.js';

/* The API with a journal and no broker. It keeps the commands that can wait and refuses all others. */

let dir: string;
let frame: Frame;
let opened: OpenIntake;
let service: Service;

function open(name: string): [Frame, OpenIntake, Reads] {
  const own = createFrame({ name, host: '127.0.0.1', port: 0, logLevel: 'silent' });
  const reads = new Reads({
    groups: [{ id: 'g1', nodes: [{ host: '127.0.0.1', port: 1 }] }],
    login: { user: 'nobody', password: '' },
    applicationName: name,
    log: own.log,
    registry: own.metrics.registry,
  });
  return [
    own,
    openIntake(own, {
      brokers: [{ host: '127.0.0.1', port: 1 }],
      login: { user: 'nobody', password: '' },
      branchId: null,
      sharedIdKey: createSecretKey(Buffer.alloc(16)),
      reads,
      journal: { dir, limitBytes: 1024 * 1024 },
    }),
    reads,
  ];
}

beforeAll(async () => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-local-'));
  const [own, intake, reads] = open('api');
  [frame, opened] = [own, intake];
  service = await startService(frame, {
    module: CommandRoutes.of(opened.intake, new StoredOwners(reads), allCommandRoutes),
    authorization: new Authorization({ secrets: await specTokens, graceSeconds: 0, branchId: null }),
    close: [() => opened.stop()],
  });
});
afterAll(async () => {
  await service.stop();
  rmSync(dir, { recursive: true });
});

const ask = apiClientOf(() => service.url);
const askAnonymously = anonymousClientOf(() => service.url);
const askAsOperator = apiClientOf(() => service.operatorsUrl);

const lines = [{ productId: 'cafe-premium', quantity: 2 }];
const waitingWith = (key: string) => ({ prefer: 'wait=30', 'idempotency-key': key });
const kept: [method: string, at: string, body: unknown][] = [
  ['POST', '/orders', { customerId: 'ana', lines }],
  ['PUT', '/carts/ana/items/cafe-premium', { quantity: 1 }],
  ['DELETE', '/carts/ana/items/cafe-premium', undefined],
  ['DELETE', '/carts/ana/items', undefined],
  ['POST', '/carts/ana/checkout', undefined],
];

it.each(kept)('keeps %s %s, and responds at once even to a client that would wait', async (method, at, body) => {
  const [before] = readJournals(dir);
  const answered = await ask(method, at, body, waitingWith(method + at));
  expect([answered.status, answered.body['status']]).toEqual([202, 'accepted']);
  expect(answered.headers.get(headers.durability)).toBe('local');
  expect(answered.headers.get(headers.preferenceApplied)).toBeNull();
  expect(readJournals(dir)).toMatchObject([{ name: 'api', inUse: true, depth: (before?.depth ?? 0) + 1 }]);
});

it.each([
  ['/customers', { name: 'Ana', email: 'ana@example.com' }],
  ['/reservations', { customerId: 'ana', lines, ttlSeconds: 60 }],
])('never keeps %s', async (at, body) => {
  const [before] = readJournals(dir);
  const { status, body: problem } = await ask('POST', at, body, waitingWith(at));
  expect([status, (problem as unknown as Problem).type]).toEqual([503, 'urn:ecomarket:problem:not-accepted']);
  expect(readJournals(dir)[0]?.depth).toBe(before?.depth);
});

it('is ready without brokers after their grace period, and reports its state', async () => {
  const ready = await eventually('it is ready', async () => {
    const ready = await askAsOperator('GET', '/health/ready');
    return ready.status === 200 && ready.body;
  });
  expect(ready['broker']).toMatch(/no connection to a broker/);
  expect(ready['journal']).toMatch(new RegExp(`^${kept.length} wait, the oldest for \\d+ s$`));
});

it('refuses another content under a kept key, also to a client that does not wait', async () => {
  const [before] = readJournals(dir);
  const again = await ask('POST', '/orders', { customerId: 'ana', lines }, { 'idempotency-key': 'POST/orders' });
  expect(again.status).toBe(202);
  const other = [{ productId: 'cafe-premium', quantity: 3 }];
  const said = await ask('POST', '/orders', { customerId: 'ana', lines: other }, { 'idempotency-key': 'POST/orders' });
  expect([said.status, said.body['type']]).toEqual([422, 'urn:ecomarket:problem:key-conflict']);
  expect(readJournals(dir)).toMatchObject([{ depth: (before?.depth ?? 0) + 1 }]);
});

it('does not start on the journal of another process', () => {
  expect(() => open('api')).toThrow(StartError);
  expect(() => open('api')).toThrow(/in use/);
});

/** Some 15 kB. */
const large = Array.from({ length: 200 }, (_, n) => ({ productId: `p${n}-${'x'.repeat(50)}`, quantity: 1 }));

/** Sends large orders of one client until one is refused. `authorization` is empty for a client without a token. */
async function orderUntilRefused(authorization: string) {
  for (let kept = 0; kept < 100; kept += 1) {
    const sent = authorization === '' ? askAnonymously : ask;
    const body = authorization === '' ? { lines: large } : { customerId: 'ana', lines: large };
    const answer = await sent('POST', '/orders', body, authorization === '' ? {} : { authorization });
    if (answer.status !== 202) return { kept, answer };
  }
  throw new Error('no order was refused');
}

it('keeps a share of each client, a smaller one of all clients without a token, and still the orders of others', async () => {
  const callers = new Callers(() => specTokens);
  const { authorization } = await callers.as({ id: 'flooding', role: 'manager' });
  for (const client of ['', authorization]) {
    const { kept, answer } = await orderUntilRefused(client);
    expect(kept).toBeGreaterThan(10);
    expect([answer.status, answer.body['type'], answer.headers.get(headers.retryAfter)]).toEqual([
      503,
      'urn:ecomarket:problem:not-accepted',
      '2',
    ]);
    expect(answer.body['detail']).toMatch(/the journal has no room within the share of this client/);
    expect((await ask('POST', '/orders', { customerId: 'ana', lines: large })).status).toBe(202);
  }
  expect((await askAsOperator('GET', '/health/ready')).status).toBe(200);
  const text = await (await fetch(`${service.operatorsUrl}/metrics`)).text();
  expect(text).toMatch(/^eco_journal_over_share_total 2$/m);
});

it('is not ready when its journal has no room for the largest command', async () => {
  const callers = new Callers(() => specTokens);
  for (let n = 0; n < 7; n += 1) {
    const { authorization } = await callers.as({ id: `client-${n}`, role: 'manager' });
    expect((await orderUntilRefused(authorization)).answer.status).toBe(503);
  }
  expect(await askAsOperator('GET', '/health/ready')).toMatchObject({
    status: 503,
    body: {
      faults: [
        { at: 'broker', message: expect.stringMatching(/nor does the journal take anything: it is full/) as string },
      ],
    },
  });
});
