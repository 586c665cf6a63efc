import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Scope } from '@eco/access';
import { PROJECT_DIR } from '@eco/cluster';
import { commandKinds, headers, type Problem } from '@eco/contracts';
import { isRoutedBy, newCommandId } from '@eco/routing';
import { eventually } from '@eco/testing';
import { testCallers, type TestCaller } from './access/callers.js';
import { expectedOf, type Expected } from './access/expected.js';
import { operationsOf, policyTable, type StatedOperation } from './access/operations.js';
import { samplesOf, type Planted, type Sample } from './access/samples.js';
import { Api, openSystem, type Said, type System } from './system/system.js';

/*
 * Goal: no operation of any API does more for a caller than its policy states. The test calls every operation of the
 * three API documents as every role and with every kind of bad token. A role is tried with the customer and branch of
 * the objects, and with others. The expected answer comes from the stated policy.
 */

/** Requests in flight: enough to keep two cores busy. */
const AT_ONCE = 32;

const apis = [
  { name: 'Central', part: 'central', served: null },
  { name: 'branch', part: 'sucursal', served: 'sucursal-1' },
  { name: 'read-service', part: 'read', served: null },
] as const;

let system: System;
let planted: Planted;
let callers: TestCaller[];
const stated = new Map<string, StatedOperation[]>();

const suffix = randomUUID().slice(0, 8);
const personName = `Planted ${suffix}`;

beforeAll(async () => {
  system = await openSystem();
  for (const { name, part } of apis) {
    stated.set(name, operationsOf((await system.operators[part].get('/docs-json')).body));
  }
  planted = await plant();
  const scopes: Scope[] = ['events', 'read', ...(Object.keys(commandKinds) as Scope[])];
  callers = await testCallers(system.tokens, planted, scopes);
});

/** Makes one object of each kind, all of one customer and one branch. */
async function plant(): Promise<Planted> {
  const branchId = 'sucursal-1';
  const [customerId, productId] = [`planted-${suffix}`, `planted-${suffix}`];
  const email = `planted-${suffix}@example.com`;
  const lines = [{ productId, quantity: 1 }];
  const till = async () => ({
    ...(await system.callers.as({ id: 'till', role: 'cashier', branchId })),
    prefer: 'wait=30',
    'idempotency-key': randomUUID(),
  });
  const made = async (api: Api, where: string, body: unknown): Promise<Record<string, unknown>> => {
    const said = await api.post(where, body, { ...(api === system.central ? {} : await till()), prefer: 'wait=30' });
    if (said.status > 201) throw new Error(`${where}: ${said.status} ${said.text}`);
    return said.body ?? {};
  };
  await made(system.central, '/products', { productId, name: 'Planted', priceCents: 100, stock: 10_000 });
  await made(system.sucursal, '/customers', { customerId, name: personName, email });
  const order = () => made(system.sucursal, '/orders', { customerId, lines });
  const [{ orderId }, { orderId: fulfilledOrderId }] = [await order(), await order()] as [
    Record<string, string>,
    Record<string, string>,
  ];
  await made(system.sucursal, `/orders/${fulfilledOrderId}/fulfil`, { customerId });
  const { reservationId } = await made(system.sucursal, '/reservations', { customerId, lines, ttlSeconds: 3_600 });
  const sent = await system.central.post(
    '/transfers',
    { productId, from: 'central', to: branchId, quantity: 1 },
    { 'idempotency-key': randomUUID(), prefer: 'wait=30' },
  );
  const transferId = sent.body?.['transferId'] as string;
  await system.central.found(`/transfers/${transferId}`);
  await system.central.found(`/customers/${customerId}`);
  const sold = await plantSale(productId, transferId);
  return {
    ...sold,
    ...{
      customerId,
      otherCustomerId: strangerTo(orderId ?? '', customerId),
      branchId,
      productId,
      email,
      transferId,
      orderId: orderId ?? '',
    },
    ...{ fulfilledOrderId: fulfilledOrderId ?? '', reservationId: reservationId as string },
  };
}

/** Makes a sale at the branch, whose shift stays open. `transferId`: a transfer that the branch learns of and does not receive. */
async function plantSale(productId: string, transferId: string) {
  const branchId = 'sucursal-1';
  const till = `p${suffix}`;
  const [boss, cashier] = await Promise.all([
    system.callers.as({ id: 'boss', role: 'branch-manager', branchId }),
    system.callers.as({ id: 'till', role: 'cashier', branchId }),
  ]);
  const post = async (where: string, body: unknown, as = cashier) => {
    const said = await system.sucursal.post(where, body, { ...as, 'idempotency-key': randomUUID() });
    if (said.status > 201) throw new Error(`${where}: ${said.status} ${said.text}`);
    return said.body ?? {};
  };
  const way = { productId, from: 'central', to: branchId, quantity: 100 };
  const sent = await system.central.post('/transfers', way, { 'idempotency-key': randomUUID(), prefer: 'wait=30' });
  const arriving = sent.body?.['transferId'] as string;
  await eventually('the branch knows of the transfers and may sell', async () => {
    const { text } = await system.sucursal.get('/transfers', cashier);
    const { body } = await system.sucursal.get('/status', cashier);
    return text.includes(transferId) && text.includes(arriving) && body?.['frozen'] === null;
  });
  await post(`/transfers/${arriving}/receive`, { productId });
  await post('/tills', { till, name: 'Planted' }, boss);
  const { shiftId } = await post('/shifts', { till });
  const lines = [{ productId, quantity: 1 }];
  await eventually('the branch knows the product', async () => {
    return (await system.sucursal.get('/inventory', cashier)).text.includes(productId);
  });
  const { saleId, receiptNumber } = await post('/sales', { till, lines, payment: { card: {} } });
  await system.read.found(`/sales/${saleId as string}`);
  return { till, shiftId, saleId, receiptNumber } as Pick<Planted, 'till' | 'shiftId' | 'saleId' | 'receiptNumber'>;
}

/** A customer whose ids have another hash than the ids of this customer. */
function strangerTo(orderId: string, customerId: string): string {
  const others = Array.from({ length: 10 }, (_, n) => `${customerId}-${n}`);
  return others.find((each) => !isRoutedBy(orderId, each)) ?? '';
}

interface Case {
  readonly api: Api;
  readonly operation: StatedOperation;
  readonly caller: TestCaller;
  readonly sample: Sample;
  readonly expected: Expected;
  readonly name: string;
}

function casesOf(): Case[] {
  const unique = () => randomUUID().slice(0, 8);
  return apis.flatMap(({ name, part, served }) =>
    (stated.get(name) ?? []).flatMap((operation) => {
      const key = `${operation.method} ${operation.path}`;
      return callers.flatMap((caller) => {
        const samples = samplesOf(planted, unique)[key];
        if (samples === undefined) throw new Error(`the test has no request for ${key}`);
        return samples.map((sample, index) => ({
          ...{ api: system[part], operation, caller, sample },
          expected: expectedOf(operation.access, caller, sample, { name, served }),
          name: `${name}: ${key} (${index + 1}) by ${caller.name}`,
        }));
      });
    }),
  );
}

async function send({ api, operation, caller, sample }: Omit<Case, 'expected' | 'name'>): Promise<Said> {
  const at = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(sample.path?.[name] ?? ''));
  const query = sample.query === undefined ? '' : `?${new URLSearchParams(sample.query).toString()}`;
  return api.send(operation.method, at + query, sample.body, {
    'idempotency-key': randomUUID(),
    prefer: 'wait=5',
    // An empty value keeps the client of the suite from sending its own token.
    authorization: caller.authorization ?? '',
    ...(caller.through && { [headers.caller]: caller.through.stated }),
  });
}

/** Members of a problem that states nothing about an object. */
const PROBLEM_MEMBERS = ['type', 'title', 'status', 'detail', 'instance', 'faults', 'correlationId'];

/** The error in an answer. Undefined: the answer is right. */
function faultOf({ expected, caller, operation }: Case, said: Said): string | undefined {
  const isAsExpected = expected === 'in reach' ? ![401, 403, 404].includes(said.status) : said.status === expected;
  const isMissingProduct = expected === 'in reach' && said.status === 404 && operation.path.startsWith('/products');
  if (!isAsExpected && !isMissingProduct) return `${said.status} instead of ${expected}: ${said.text.slice(0, 200)}`;
  if (said.status >= 500 && said.status !== 503) return `${said.status}: ${said.text}`;
  if (expected === 401 && said.headers.get('www-authenticate')?.startsWith('Bearer') !== true) return 'no challenge';
  if (typeof expected === 'number') {
    const members = Object.keys(said.body ?? {}).filter((member) => !PROBLEM_MEMBERS.includes(member));
    if (members.length > 0) return `the problem has the members ${members.join(', ')}`;
  }
  const isOutsider = /another|no token|without/.test(caller.name) || typeof expected === 'number';
  const { email, orderId, reservationId } = planted;
  const own = [personName, email, `"orderId":"${orderId}"`, `"reservationId":"${reservationId}"`];
  const leaked = isOutsider ? own.filter((text) => said.text.includes(text)) : [];
  return leaked.length > 0 ? `the answer has ${leaked.join(', ')}` : undefined;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

// ASVS 5.0: 8.2.1, 10.3.2
it('answers every caller of every operation as the policy states, and shows outsiders nothing', async () => {
  const cases = casesOf();
  const faults: string[] = [];
  const answers = new Map<Expected, number>();
  await inParallel(cases, async (each) => {
    const fault = faultOf(each, await send(each));
    answers.set(each.expected, (answers.get(each.expected) ?? 0) + 1);
    if (fault !== undefined) faults.push(`${each.name}: ${fault}`);
  });
  expect(faults).toEqual([]);
  expect(cases.length).toBeGreaterThan(1_000);
  expect([...answers.keys()].map(String).sort()).toEqual(['400', '401', '403', '404', 'in reach']);
}, 180_000);

it('shows a command to the account that requested it, and to no other account of its customer or branch', async () => {
  const { customerId, productId, branchId } = planted;
  const body = { customerId, lines: [{ productId, quantity: 1 }] };
  const ofCustomer = { role: 'customer', customerId } as const;
  const ofBranch = { role: 'cashier', branchId } as const;
  for (const grant of [ofCustomer, ofBranch]) {
    const own = await system.callers.as({ id: `own ${suffix}`, ...grant });
    const placed = await system.sucursal.post('/orders', body, { ...own, prefer: 'wait=30' });
    const where = `/commands/${placed.body?.['orderId'] as string}`;
    expect(placed.status).toBe(201);
    expect((await system.sucursal.found(where, own)).body).toMatchObject({ kind: 'order.place', status: 'done' });
    for (const api of [system.central, system.sucursal, system.read]) {
      const another = await system.callers.as({ id: `another ${suffix}`, ...grant });
      const [foreign, unknown] = [await api.get(where, another), await api.get(`/commands/${randomUUID()}`, another)];
      expect([foreign.status, unknown.status]).toEqual([404, 404]);
      expect(foreign.body).toMatchObject({ type: unknown.body?.['type'] });
      expect(foreign.headers.has('ecomarket-position')).toBe(unknown.headers.has('ecomarket-position'));
    }
  }
});

// ASVS 5.0: 8.2.2
it('answers a guessed id of another customer exactly as an unknown id', async () => {
  const stranger = `stranger-${suffix}`;
  const { orderId, reservationId, transferId, productId, customerId } = planted;
  const unknownOf = (key: string) =>
    newCommandId({
      key,
      nowMs: Date.now(),
      random: Buffer.from(randomUUID().replaceAll('-', ''), 'hex').subarray(0, 10),
    });
  const customer = await system.callers.as({ id: 'stranger', role: 'customer', customerId: stranger });
  const cashier = await system.callers.as({ id: 'other till', role: 'cashier', branchId: 'sucursal-2' });
  const ofCustomer = { customerId: stranger };
  const asked: [string, (id: string) => string, string, unknown, typeof customer, string][] = [
    ['GET', (id) => `/orders/${id}`, orderId, undefined, customer, customerId],
    ['GET', (id) => `/orders/${id}`, orderId, undefined, cashier, customerId],
    ['GET', (id) => `/reservations/${id}`, reservationId, undefined, customer, customerId],
    ['GET', (id) => `/reservations/${id}`, reservationId, undefined, cashier, customerId],
    ['GET', (id) => `/transfers/${id}`, transferId, undefined, cashier, productId],
    ['POST', (id) => `/orders/${id}/cancel`, orderId, ofCustomer, customer, customerId],
    ['POST', (id) => `/reservations/${id}/confirm`, reservationId, ofCustomer, customer, customerId],
    ['POST', (id) => `/reservations/${id}/release`, reservationId, ofCustomer, customer, customerId],
    ['POST', (id) => `/orders/${id}/fulfil`, orderId, { customerId }, cashier, customerId],
    ['POST', (id) => `/transfers/${id}/receive`, transferId, { productId }, cashier, productId],
  ];
  for (const [method, pathOf, id, body, token, key] of asked) {
    const ask = async (asking: string) => {
      const said = await system.central.send(method, pathOf(asking), body, {
        ...token,
        'idempotency-key': randomUUID(),
        prefer: 'wait=5',
      });
      const { instance: _, correlationId: __, commandId: ___, ...problem } = said.body as Problem;
      return { status: said.status, problem };
    };
    expect([method, pathOf('{id}'), await ask(id)]).toEqual([method, pathOf('{id}'), await ask(unknownOf(key))]);
    expect((await ask(id)).status).toBe(404);
  }
});

it('takes customer and branch from the token', async () => {
  const { productId } = planted;
  const lines = [{ productId, quantity: 1 }];
  const placed = async (api: Api, grant: Parameters<System['callers']['as']>[0]) => {
    const said = await api.post(
      '/orders',
      { lines, customerId: grant.role === 'customer' ? undefined : 'walk-in' },
      {
        ...(await system.callers.as(grant)),
        prefer: 'wait=30',
      },
    );
    const { body } = await system.central.found(`/orders/${said.body?.['orderId'] as string}`);
    return [body?.['customerId'], body?.['branchId']];
  };
  const ofBranch = { id: 'till', role: 'cashier', branchId: 'sucursal-1' } as const;
  expect(await placed(system.central, ofBranch)).toEqual(['walk-in', 'sucursal-1']);
  expect(await placed(system.central, { id: 'c', role: 'customer', customerId: 'c-1' })).toEqual(['c-1', null]);
  expect(await placed(system.sucursal, { id: 'c', role: 'customer', customerId: 'c-1' })).toEqual([
    'c-1',
    'sucursal-1',
  ]);
});

it('stores the requesting person and the sending broker user with an outcome', async () => {
  const lines = [{ productId: planted.productId, quantity: 1 }];
  const cashier = await system.callers.as({ id: 'till 7', role: 'cashier', branchId: 'sucursal-1' });
  const said = await system.sucursal.post(
    '/orders',
    { customerId: 'walk-in', lines },
    { ...cashier, prefer: 'wait=30' },
  );
  const [stored] = await system.sql(`SELECT actor, sender FROM eco.outcome WHERE command_id = $1`, [
    said.body?.['orderId'],
  ]);
  expect(stored).toEqual({ actor: 'till 7', sender: 'branch.sucursal-1' });
});

it('gives each guest a separate customer id, the same for a repeat', async () => {
  const lines = [{ productId: planted.productId, quantity: 1 }];
  const key = randomUUID();
  const order = async (idempotencyKey: string) => {
    const said = await system.central.post(
      '/orders',
      { lines },
      {
        ...{ authorization: '', prefer: 'wait=30', 'idempotency-key': idempotencyKey },
      },
    );
    expect(said.status).toBe(201);
    const { body } = await system.central.found(`/orders/${said.body?.['orderId'] as string}`);
    return body?.['customerId'] as string;
  };
  const [first, again, other] = [await order(key), await order(key), await order(randomUUID())];
  expect(first).toMatch(/^guest:/);
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});

// ASVS 5.0: 8.2.3, 15.3.1
it('shows the public only how many units are available', async () => {
  const said = await eventually('the stock is known', async () => {
    const answer = await system.read.get(`/inventory/${planted.productId}`, { authorization: '' });
    return answer.status === 200 && answer;
  });
  expect(Object.keys(said.body ?? {}).sort()).toEqual(['available', 'productId']);
});

// ASVS 5.0: 8.1.1, 8.1.2
it('is described by the table in docs/access.md', () => {
  const text = readFileSync(path.join(PROJECT_DIR, 'docs/access.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => /^\| `(GET|POST|PUT|PATCH|DELETE) /.test(line))
    .map((line) => line.replace(/ +/g, ' '));
  expect(rows).toEqual(policyTable(stated));
});
