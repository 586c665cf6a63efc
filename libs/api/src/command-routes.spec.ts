import { createSecretKey } from 'node:crypto';
import { sharedIdKeyOf } from '@eco/access';
import { BrokerConnection, CommandPublisher } from '@eco/broker';
import { MAX_ORDER_LINES, type Problem } from '@eco/contracts';
import { Authorization, createFrame, startService, type Service } from '@eco/service';
import { CommandIntake } from '@eco/intake';
import { Reads } from '@eco/reads';
import { commandIdFor, orderIdFor } from '@eco/routing';
import { Callers, specTokens } from '@eco/testing';
import { allCommandRoutes, CommandRoutes, StoredOwners } from './command-routes.js';

/*
 * The API without brokers and databases. A valid request is therefore answered 503 not-accepted, and validation must
 * stop everything else.
 */

let service: Service;

beforeAll(async () => {
  const frame = createFrame({ name: 'api', host: '127.0.0.1', port: 0, logLevel: 'silent' });
  const access = { brokers: [{ host: '127.0.0.1', port: 1 }], user: 'nobody', password: '' };
  const publisher = new CommandPublisher({
    connection: new BrokerConnection({ access, name: 'api' }),
    groupOf: () => 'g1',
  });
  const reads = new Reads({
    groups: [],
    login: { user: 'nobody', password: '' },
    applicationName: 'api',
    log: frame.log,
    registry: frame.metrics.registry,
  });
  const { stopping } = frame;
  const secrets = await specTokens;
  const sharedIdKey = sharedIdKeyOf(secrets);
  const intake = new CommandIntake({ publisher, sentBy: 'api', branchId: 'sucursal-1', sharedIdKey, reads, stopping });
  const authorization = new Authorization({ secrets, graceSeconds: 0, branchId: 'sucursal-1' });
  service = await startService(frame, {
    module: CommandRoutes.of(intake, new StoredOwners(reads), allCommandRoutes),
    authorization,
  });
});
afterAll(() => service.stop());

const callers = new Callers(() => specTokens);

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(service.url + path, {
    method,
    headers: {
      ...(await callers.usual(path)),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const { type, faults = [] } = (await response.json()) as Problem;
  return {
    problem: type.replace('urn:ecomarket:problem:', ''),
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    at: faults.map((fault) => fault.at).sort(),
  };
}

const line = { productId: 'cafe-premium', quantity: 2 };
const order = { customerId: 'ana', lines: [line] };
const orderWith = (fields: object) => ({ customerId: 'ana', lines: [{ ...line, ...fields }] });
const manyLines = (count: number) => ({
  customerId: 'ana',
  lines: Array.from({ length: count }, (_, index) => ({ productId: `p${index}`, quantity: 1 })),
});

describe('a valid request', () => {
  it.each([
    ['POST', '/orders', order],
    ['POST', '/orders', manyLines(MAX_ORDER_LINES)],
    ['POST', '/orders', orderWith({ quantity: 10_000 })],
    ['POST', '/orders', { ...order, customerId: 'ñandú 🛒 / 1' }],
    ['PUT', '/carts/ana/items/cafe', { quantity: 1 }],
    ['PUT', `/carts/${encodeURIComponent('ñandú 🛒 / 1')}/items/cafe`, { quantity: 1 }],
    ['PUT', `/carts/${encodeURIComponent('🛒'.repeat(64))}/items/cafe`, { quantity: 1 }],
    ['DELETE', '/carts/ana/items/cafe', undefined],
    ['DELETE', '/carts/ana/items', undefined],
    ['POST', '/carts/ana/checkout', undefined],
    ['POST', '/carts/ana/checkout', {}],
    ['POST', '/customers', { name: 'Ana', email: 'ana@example.com' }],
    ['POST', '/customers', { customerId: 'ana', name: 'Ana', email: 'ana@example.com' }],
  ])('%s %s', async (method, path, body) => {
    expect(await ask(method, path, body, { prefer: 'wait=2, respond-async', 'idempotency-key': 'k-1' })).toEqual({
      problem: 'not-accepted',
      status: 503,
      retryAfter: '2',
      at: [],
    });
  });
});

const idKey = createSecretKey(Buffer.alloc(16));
const reservationId = commandIdFor({ idKey, kind: 'r', key: 'ana', idempotencyKey: '1' });
const orderId = orderIdFor({ idKey, customerId: 'ana', idempotencyKey: '1' });
const transferId = commandIdFor({ idKey, kind: 't', key: 'cafe', idempotencyKey: '1' });
const decided: [path: string, body: Record<string, unknown>, problem: string | undefined][] = [
  ['/reservations', { customerId: 'ana', lines: [line], ttlSeconds: 60 }, undefined],
  [`/reservations/${reservationId}/confirm`, { customerId: 'ana' }, 'reservation-unknown'],
  [`/reservations/${reservationId}/release`, { customerId: 'ana' }, 'reservation-unknown'],
  [`/orders/${orderId}/cancel`, { customerId: 'ana' }, 'order-unknown'],
  [`/orders/${orderId}/fulfil`, { customerId: 'ana' }, 'order-unknown'],
  [`/orders/${orderId}/returns`, { customerId: 'ana', lines: [line] }, 'order-unknown'],
  [`/transfers/${transferId}/receive`, { productId: 'cafe' }, 'transfer-unknown'],
];

describe('a command that is decided within its request', () => {
  const keyed = { 'idempotency-key': 'k-1', prefer: 'wait=2' };

  it.each(decided)('POST %s is not accepted while its group is not seen', async (path, body) => {
    expect(await ask('POST', path, body, keyed)).toEqual({
      problem: 'not-accepted',
      status: 503,
      retryAfter: '2',
      at: [],
    });
  });

  it.each(decided)('POST %s needs a key, and names that together with every other violation', async (path, body) => {
    expect(await ask('POST', path, { ...body, note: 1 })).toMatchObject({
      problem: 'bad-input',
      status: 400,
      at: ['/note', 'header.idempotency-key'],
    });
  });

  it.each(decided.filter(([, , problem]) => problem !== undefined))(
    'POST %s finds nothing under an id of another key',
    async (path, body, problem) => {
      const other = Object.fromEntries(
        Object.entries(body).map(([name, value]) => [name, name === 'lines' ? value : 'x']),
      );
      expect(await ask('POST', path, other, keyed)).toMatchObject({ problem, status: 404 });
    },
  );

  it.each([
    ['/reservations', { customerId: '', lines: [], ttlSeconds: 0 }, ['/customerId', '/lines', '/ttlSeconds']],
    [
      '/reservations',
      { customerId: 'ana', lines: [line, line], ttlSeconds: 1.5 },
      ['/lines/1/productId', '/ttlSeconds'],
    ],
    ['/orders/17/returns', { lines: [line], location: 'a b' }, ['/customerId', '/location', 'path.orderId']],
    ['/transfers/17/receive', {}, ['/productId', 'path.transferId']],
  ])('POST %s with %j names every violation', async (path, body, at) => {
    expect(await ask('POST', path, body, keyed)).toMatchObject({ problem: 'bad-input', status: 400, at });
  });
});

describe('a customer id', () => {
  const keyed = { 'idempotency-key': 'k-1' };
  const impossible = [' ana', 'ana\u200b', 'ana\u202e', '.', '..', '%2E'];
  it.each(impossible)('%j is refused wherever something may begin', async (customerId) => {
    const inPath = encodeURIComponent(customerId);
    for (const [method, path, body] of [
      ['POST', '/orders', { ...order, customerId }],
      ['POST', '/customers', { customerId, name: 'Ana', email: 'ana@example.com' }],
      ['POST', '/reservations', { ...order, customerId }],
    ] as const) {
      expect(await ask(method, path, body, keyed)).toMatchObject({ problem: 'bad-input', at: ['/customerId'] });
    }
    // WHATWG clients send no path with a dot segment.
    if (customerId.startsWith('.')) return;
    for (const [method, path] of [
      ['PUT', `/carts/${inPath}/items/cafe`],
      ['POST', `/carts/${inPath}/checkout`],
    ] as const) {
      const body = method === 'PUT' ? { quantity: 1 } : undefined;
      expect(await ask(method, path, body, keyed)).toMatchObject({ problem: 'bad-input', at: ['path.customerId'] });
    }
  });

  it('in another spelling names the customer of an order or reservation that was made with it', async () => {
    const [composed, given] = ['jos\u00e9', 'jose\u0301'];
    for (const customerId of [composed, given]) {
      const id = orderIdFor({ idKey, customerId, idempotencyKey: '1' });
      expect(await ask('POST', `/orders/${id}/cancel`, { customerId: given }, keyed)).toMatchObject({ status: 503 });
      const reserved = commandIdFor({ idKey, kind: 'r', key: customerId, idempotencyKey: '1' });
      expect(await ask('POST', `/reservations/${reserved}/confirm`, { customerId: given }, keyed)).toMatchObject({
        status: 503,
      });
    }
  });
});

describe('bad input', () => {
  // ASVS 5.0: 15.3.6
  it.each([
    ['an unknown field', { ...order, discount: 50 }, ['/discount']],
    ['an unknown field of a line', orderWith({ priceCents: 1 }), ['/lines/0/priceCents']],
    ['no fields', {}, ['/customerId', '/lines']],
    ['wrong types', { customerId: 7, lines: {} }, ['/customerId', '/lines']],
    ['a line of the wrong type', { customerId: 'ana', lines: [null, 'cafe'] }, ['/lines/0', '/lines/1']],
    ['quantity 0', orderWith({ quantity: 0 }), ['/lines/0/quantity']],
    ['a negative quantity', orderWith({ quantity: -2 }), ['/lines/0/quantity']],
    ['a fraction', orderWith({ quantity: 1.5 }), ['/lines/0/quantity']],
    ['a huge quantity', orderWith({ quantity: 10_001 }), ['/lines/0/quantity']],
    [
      'a quantity beyond all numbers',
      '{"customerId":"ana","lines":[{"productId":"a","quantity":1e999}]}',
      ['/lines/0/quantity'],
    ],
    ['a quantity in text', orderWith({ quantity: '2' }), ['/lines/0/quantity']],
    ['no line', { customerId: 'ana', lines: [] }, ['/lines']],
    ['10,000 lines', manyLines(10_000), ['/lines']],
    [
      'the same product twice',
      { customerId: 'ana', lines: [line, { productId: 'te', quantity: 1 }, line] },
      ['/lines/2/productId'],
    ],
    ['a product id that can be none', orderWith({ productId: '../etc' }), ['/lines/0/productId']],
    ['an empty customer', { ...order, customerId: '' }, ['/customerId']],
    ['a customer with a zero byte', { ...order, customerId: 'a\u0000' }, ['/customerId']],
    [
      'a customer with half a character',
      '{"customerId":"\\ud83d","lines":[{"productId":"a","quantity":1}]}',
      ['/customerId'],
    ],
    ['an order that is a list', [order], ['']],
    [
      'a poisoned prototype',
      '{"customerId":"a","lines":[{"productId":"a","quantity":1}],"__proto__":{}}',
      ['/__proto__'],
    ],
  ])('is %s', async (_what, body, at) => {
    expect(await ask('POST', '/orders', body)).toMatchObject({ problem: 'bad-input', status: 400, at });
  });

  it('can have many violations at once, each of which is named', async () => {
    const body = {
      customer: 'ana',
      lines: [
        { productId: 'a b', quantity: 0, note: '' },
        { productId: 'te', quantity: 1.5 },
      ],
    };
    const headers = { 'idempotency-key': 'a b' };
    expect(await ask('POST', '/orders?dry=1', body, headers)).toMatchObject({
      problem: 'bad-input',
      at: [
        '/customer',
        '/customerId',
        '/lines/0/note',
        '/lines/0/productId',
        '/lines/0/quantity',
        '/lines/1/quantity',
        'header.idempotency-key',
        'query.dry',
      ],
    });
  });

  it.each([
    ['malformed JSON', '{"customerId":"ana",}', 'malformed-json', 400],
    ['a body over the limit', 'x'.repeat(600_000), 'body-too-large', 413],
  ])('is %s', async (_what, body, problem, status) => {
    expect(await ask('POST', '/orders', body)).toMatchObject({ problem, status });
  });

  it.each([
    ['PUT', '/carts/ana/items/cafe', { quantity: 0 }, ['/quantity']],
    ['PUT', '/carts/ana/items/a%20b', { quantity: 'x', note: 1 }, ['/note', '/quantity', 'path.productId']],
    ['PUT', `/carts/${'x'.repeat(129)}/items/cafe`, { quantity: 1 }, ['path.customerId']],
    ['DELETE', '/carts/a%00/items', undefined, ['path.customerId']],
    ['POST', '/carts/ana/checkout', { coupon: 1 }, ['/coupon']],
    ['POST', '/customers', { name: ' ', email: 'ana', age: 3 }, ['/age', '/email', '/name']],
  ])('at %s %s is %j', async (method, path, body, at) => {
    expect(await ask(method, path, body)).toMatchObject({ problem: 'bad-input', status: 400, at });
  });

  it.each([
    ['GET', '/carts/ana/items/cafe', 'method-not-allowed', 405],
    ['POST', '/order', 'not-found', 404],
    ['PUT', '/carts//items/cafe', 'not-found', 404],
  ])('is %s %s', async (method, path, problem, status) => {
    expect(await ask(method, path)).toMatchObject({ problem, status });
  });

  it('does not change the service', async () => {
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    expect(await ask('POST', '/orders', order)).toMatchObject({ problem: 'not-accepted' });
  });
});
