import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { Controller, Delete, Get, Module, Post } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { StartError } from '@eco/base';
import { eventually } from '@eco/testing';
import { orderPathSchema, pageQuerySchema, placeOrderRequestSchema, type Problem } from '@eco/contracts';
import { specTokens } from '@eco/testing';
import { Authorization } from './http/authorization.js';
import { respond } from './http/response.js';
import { Input, operation, type InputOf } from './http/operation.js';
import { Operation } from './open-api/operation.decorator.js';
import { problem } from './http/problem.js';
import { idempotencyKeySchema, preferWaitSchema } from './http/request-headers.js';
import { createLog } from './log.js';
import { createFrame, startService, type Frame, type Service } from './service.js';

const everyone = { anonymous: 'any' } as const;
const placeOrder = operation({
  id: 'placeOrder',
  summary: 'Place an order',
  access: everyone,
  headers: z.object({ 'idempotency-key': idempotencyKeySchema.optional(), prefer: preferWaitSchema.optional() }),
  body: placeOrderRequestSchema,
  answers: { 202: { description: 'Accepted', body: z.object({ wait: z.number() }), headers: ['Location'] } },
});
const getOrder = operation({
  id: 'getOrder',
  summary: 'An order',
  access: everyone,
  path: orderPathSchema,
  query: pageQuerySchema,
  answers: { 200: { description: 'The order' } },
  problems: ['order-unknown'],
});
const wait = operation({
  id: 'wait',
  summary: 'Waits until it is released',
  access: everyone,
  answers: { 200: { description: 'Released' } },
});
const Open = () => RouteConfig({ access: 'open' });

let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => (finish = resolve));
let entered: () => void = () => undefined;
const hasEntered = new Promise<void>((resolve) => (entered = resolve));

@Controller('orders')
class OrdersController {
  @Post()
  @Operation(placeOrder)
  place(@Input(placeOrder) { headers }: InputOf<typeof placeOrder>) {
    return respond(202, { wait: headers.prefer ?? null }, { Location: '/orders/1' });
  }

  @Get(':orderId')
  @Operation(getOrder)
  get(@Input(getOrder) { path, query }: InputOf<typeof getOrder>) {
    return { ...path, ...query };
  }

  @Delete('refused')
  @Open()
  refuse() {
    const short = [{ productId: 'cafe', asked: 5, available: 2 }];
    throw problem('order-rejected', { members: { short }, headers: { 'Retry-After': '1' } });
  }

  @Delete('broken')
  @Open()
  fail() {
    throw new Error('the database said: password 12345 is wrong');
  }

  @Get('slow/one')
  @Operation(wait)
  async wait() {
    entered();
    await finished;
    return { waited: true };
  }
}

/** The chunks that were read of a streamed response, and whether it ended in order. */
const streamed = { chunks: 0, isOver: false, end: (): void => undefined };

@Controller('lists')
class ListsController {
  @Get('broken')
  @Open()
  broken() {
    async function* rows() {
      yield 'first\n';
      await Promise.resolve();
      throw new Error('no node answers');
    }
    return respond(200, Readable.from(rows()), { 'Content-Type': 'text/csv; charset=utf-8' });
  }

  @Get('long')
  @Open()
  long() {
    async function* rows() {
      for (let n = 0; n < 1_000; n += 1) {
        await Promise.resolve();
        yield `row ${n}\n`;
      }
    }
    return respond(200, Readable.from(rows()), { 'Content-Type': 'text/csv; charset=utf-8' });
  }

  @Get('page')
  @Open()
  page() {
    return { items: Array.from({ length: 500 }, (_, n) => ({ n })) };
  }

  @Get('endless')
  @Open()
  endless() {
    async function* rows() {
      try {
        for (;;) {
          await Promise.resolve();
          streamed.chunks += 1;
          yield 'x'.repeat(100_000);
        }
      } finally {
        streamed.isOver = true;
        streamed.end();
      }
    }
    return respond(200, Readable.from(rows()), { 'Content-Type': 'text/csv; charset=utf-8' });
  }
}

@Module({ controllers: [OrdersController, ListsController] })
class TestModule {}

const orderId = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
const order = { customerId: 'ana', lines: [{ productId: 'cafe', quantity: 1 }] };
const config = { name: 'test', host: '127.0.0.1', port: 0, logLevel: 'info' } as const;

let authorization: Authorization;
let frame: Frame;
let service: Service;
let logged: string[];

beforeAll(async () => {
  logged = [];
  authorization = new Authorization({ secrets: await specTokens, graceSeconds: 60, branchId: null });
  frame = createFrame(config, createLog(config, { write: (line) => void logged.push(line) }));
  service = await startService(frame, {
    module: TestModule,
    authorization,
    api: { title: 'Test', version: '1', description: 'For the test of the frame' },
    documents: { '/docs/asyncapi.json': () => ({ asyncapi: '3.0.0' }) },
  });
});
afterAll(() => service.stop());

const ask = (path: string, init?: RequestInit) => fetch(`${service.url}${path}`, init);
const askAsOperator = (path: string, init?: RequestInit) => fetch(`${service.operatorsUrl}${path}`, init);
const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
  ask('/orders', { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

/** The body of a response that must be a problem of this name. */
async function problemIn(response: Response, status: number, name: string): Promise<Problem> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const body = (await response.json()) as Problem;
  expect(body).toMatchObject({ type: `urn:ecomarket:problem:${name}`, status });
  expect(body.correlationId).toBe(response.headers.get('x-correlation-id'));
  return body;
}

async function faultsIn(response: Response, status: number, name: string): Promise<Record<string, string>> {
  const { faults = [] } = await problemIn(response, status, name);
  return Object.fromEntries(faults.map(({ at, message }) => [at, message]));
}

/** Sends raw bytes; returns all that came back until the other side closed. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(service.port, '127.0.0.1');
  let answered = '';
  socket.on('data', (chunk) => (answered += chunk.toString()));
  socket.write(bytes);
  await once(socket, 'close');
  return answered;
}

describe('a valid request', () => {
  // ASVS 5.0: 1.2.1, 3.4.4
  it('is answered with the status and headers that its controller gives', async () => {
    const response = await post(JSON.stringify(order), { prefer: 'wait=5' });
    expect([response.status, await response.json()]).toEqual([202, { wait: 5 }]);
    expect(response.headers.get('location')).toBe('/orders/1');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('reaches the controller with path and query as their schemas read them', async () => {
    const response = await ask(`/orders/${orderId.toUpperCase()}?limit=5`);
    expect(await response.json()).toEqual({ orderId, limit: 5 });
  });

  // ASVS 5.0: 16.3.3
  it.each<[string, string, () => Promise<Response>]>([
    ['invalid input', 'bad-input', () => post('{}', { 'x-correlation-id': 'probe-1' })],
    [
      'a wrong type',
      'unsupported-media-type',
      () => post('x', { 'content-type': 'text/plain', 'x-correlation-id': 'probe-2' }),
    ],
    [
      'a foreign page',
      'cross-site',
      () => post('{}', { origin: 'https://evil.example', 'x-correlation-id': 'probe-3' }),
    ],
  ])('is logged with the control that refused %s', async (_, expected, send) => {
    logged.length = 0;
    await send();
    const line = await eventually('the request is logged', () =>
      logged.find((each) => each.includes('"msg":"request"')),
    );
    expect(JSON.parse(line)).toMatchObject({ problem: expected, status: expect.any(Number) as unknown });
  });

  it('gets a new correlation id, and the log also names the client’s id if it is fit for a log', async () => {
    const idOf = async (given: string) => {
      const response = await post(JSON.stringify(order), { 'x-correlation-id': given });
      return response.headers.get('x-correlation-id') ?? '';
    };
    const [first, second] = [await idOf('till-7/42'), await idOf('till-7/42')];
    expect([first, second]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.not.stringMatching(first)]);
    const lines = logged.filter((line) => line.includes('"clientCorrelationId":"till-7/42"'));
    expect(lines.map((line) => (JSON.parse(line) as { correlationId: string }).correlationId)).toEqual([first, second]);
    for (const unfit of ['x'.repeat(129), 'a b', '{"a":1}']) {
      const id = await idOf(unfit);
      expect(logged.find((line) => line.includes(`"correlationId":"${id}"`))).not.toContain('clientCorrelationId');
    }
  });

  // ASVS 5.0: 3.2.1, 3.4.3, 14.3.2
  it('is answered with headers that keep a browser from storing or showing it', async () => {
    const { headers } = await post(JSON.stringify(order));
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  it.each([
    ['a command', 'no-store', () => post(JSON.stringify(order))],
    ['a read of everybody', 'no-cache', () => ask(`/orders/${orderId}`)],
    ['bad input', 'no-cache', () => ask('/orders/17')],
    ['a path that does not exist', 'no-store', () => ask('/nowhere')],
    ['a path that is no UTF-8', 'no-store', () => ask('/%FF')],
    ['a body that is no JSON', 'no-store', () => post('{')],
    ['an error of the service', 'no-store', () => ask('/orders/broken', { method: 'DELETE' })],
    ['a state of the process', 'no-store', () => ask('/health/live')],
    ['a document', 'no-cache', () => askAsOperator('/docs-json')],
  ])('and every other answer states how it may be stored: %s', async (_what, cacheControl, send) => {
    const { headers } = await send();
    expect(headers.get('cache-control')).toBe(cacheControl);
    expect(headers.get('vary')).toBe('Accept, Accept-Encoding');
  });

  it('and every other answer states how it may be stored: what is no HTTP', async () => {
    expect(await raw('HELLO\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*\r\nCache-Control: no-store\r\n/);
  });
});

describe('a large answer', () => {
  const gzip = { 'accept-encoding': 'gzip' };
  it.each(['/lists/page', '/lists/long'])('is compressed for a client that accepts it: %s', async (path) => {
    const [plain, zipped] = [
      await ask(path, { headers: { 'accept-encoding': 'identity' } }),
      await ask(path, { headers: gzip }),
    ];
    expect([plain, zipped].map(({ headers }) => headers.get('content-encoding'))).toEqual([null, 'gzip']);
    expect(await zipped.text()).toBe(await plain.text());
  });

  it('is not compressed when it is small, has no body, answers a command or is a metric', async () => {
    for (const response of [
      await ask(`/orders/${orderId}`, { headers: gzip }),
      await ask('/lists/page', { headers: gzip, method: 'HEAD' }),
      await post(JSON.stringify(order), gzip),
      await askAsOperator('/metrics', { headers: gzip }),
    ]) {
      expect(response.headers.get('content-encoding')).toBeNull();
      await response.text();
    }
  });
});

describe('bad input', () => {
  it('is a compressed body', async () => {
    const response = await post(JSON.stringify(order), { 'content-encoding': 'gzip' });
    expect(response.headers.get('accept-encoding')).toBe('identity');
    expect(Object.keys(await faultsIn(response, 415, 'unsupported-media-type'))).toEqual(['header.content-encoding']);
  });

  it('is a query that is no UTF-8', async () => {
    const response = await ask(`/orders/${orderId}?after=%FF`);
    expect(Object.keys(await faultsIn(response, 400, 'bad-input'))).toEqual(['query']);
  });

  it('is answered with every violation of headers and body together', async () => {
    const body = { customerId: '', lines: [{ productId: 'a b', quantity: 0 }], extra: 1 };
    const response = await post(JSON.stringify(body), { 'idempotency-key': 'a b' });
    expect(Object.keys(await faultsIn(response, 400, 'bad-input')).sort()).toEqual([
      '/customerId',
      '/extra',
      '/lines/0/productId',
      '/lines/0/quantity',
      'header.idempotency-key',
    ]);
  });

  // ASVS 5.0: 15.3.7
  it('is answered with every violation of path and query together', async () => {
    const response = await ask('/orders/abc?limit=0&foo=1&after=x&after=y');
    expect(Object.keys(await faultsIn(response, 400, 'bad-input')).sort()).toEqual([
      'path.orderId',
      'query.after',
      'query.foo',
      'query.limit',
    ]);
  });

  it('names at most 100 violations, and the number of the others', async () => {
    const lines = Array.from({ length: 150 }, (_, index) => ({ productId: `p${index}`, quantity: 0 }));
    const { faults = [] } = await problemIn(await post(JSON.stringify({ ...order, lines })), 400, 'bad-input');
    expect(faults).toHaveLength(101);
    expect(faults.at(-1)).toEqual({ at: '', message: 'and 50 more violations' });
  });

  it.each([
    ['cut short', '{"customerId": "ana"', 'JSON'],
    ['no JSON', 'customerId=ana', 'JSON'],
    ['not UTF-8', Buffer.from('{"customerId":"\xff"}', 'latin1'), 'UTF-8'],
  ])('says why a body is no JSON: %s', async (_what, body, word) => {
    expect((await problemIn(await post(body), 400, 'malformed-json')).detail).toContain(word);
  });

  it('lacks a required body', async () => {
    expect(await faultsIn(await post(''), 400, 'bad-input')).toEqual({ '': 'the body is missing' });
  });

  it('is too large, declared or not', async () => {
    const large = JSON.stringify({ ...order, customerId: 'x'.repeat(600_000) });
    expect(await faultsIn(await post(large), 413, 'body-too-large')).toEqual({
      '': 'the body must be at most 524288 bytes',
    });
    const stream = new Blob([large]).stream();
    const chunked = await ask('/orders', {
      method: 'POST',
      body: stream,
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
    });
    await problemIn(chunked, 413, 'body-too-large');
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'nonsense'])(
    'is of the type %s',
    async (type) => {
      const response = await post('a=b', { 'content-type': type });
      expect(await faultsIn(response, 415, 'unsupported-media-type')).toHaveProperty(['header.content-type']);
    },
  );

  // ASVS 5.0: 13.4.3
  it('is at a path that does not exist, or not for this method', async () => {
    expect((await problemIn(await ask('/order?x=1'), 404, 'not-found')).detail).toBe('/order does not exist');
    const response = await ask('/orders', { method: 'PATCH' });
    expect(response.headers.get('allow')).toBe('POST');
    await problemIn(response, 405, 'method-not-allowed');
  });

  it.each(['/orders/%E0%A4%A', '/%', `/orders/${'x'.repeat(2000)}`])(
    'has a path that cannot be read: %.30s',
    async (path) => {
      expect(await faultsIn(await ask(path), 400, 'bad-input')).toHaveProperty('path');
    },
  );

  // ASVS 5.0: 4.2.1
  it.each([
    ['GET / HTTP/1.1\r\nno header\r\n\r\n', 'well-formed'],
    [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, '16 KiB'],
    ['\u0016\u0003\u0001 hello', 'well-formed'],
  ])('is no HTTP', async (bytes, word) => {
    const answered = await raw(bytes);
    expect(answered).toMatch(/^HTTP\/1.1 400 [^]*Content-Type: application\/problem\+json/);
    expect(answered).toContain(word);
  });
});

describe('a request that another site can have sent', () => {
  const request = (line: string, ...headers: string[]) =>
    raw([`${line} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n'));

  it.each([
    ['an unknown host', ['Host: evil.example'], 421, 'misdirected'],
    ['two hosts', ['Host: localhost', 'Host: evil.example'], 400, 'bad-input'],
    ['a foreign origin', ['Host: localhost', 'Origin: http://evil.example', 'Idempotency-Key: 1'], 403, 'cross-site'],
    ['nothing that a page could not send', ['Host: localhost', 'Content-Length: 0'], 415, 'unsupported-media-type'],
  ] as const)('is refused: %s', async (_what, headers, status, name) => {
    const answered = await request('POST /orders', ...headers);
    expect(answered).toContain(`HTTP/1.1 ${status} `);
    expect(answered).toContain(`"urn:ecomarket:problem:${name}"`);
  });

  it.each([
    [
      'names its host in its target too',
      'GET http://evil.example/orders/1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    ],
    ['is of HTTP/0.9', `GET /orders/${orderId}\r\n\r\n`],
  ])('is refused if it %s', async (_what, bytes) => {
    expect(await raw(bytes)).toContain('"urn:ecomarket:problem:bad-input"');
  });

  // ASVS 5.0: 3.4.2
  it('is refused in a preflight', async () => {
    const headers = ['Host: localhost', 'Origin: http://evil.example', 'Access-Control-Request-Method: PUT'];
    const answered = await request('OPTIONS /orders', ...headers);
    expect(answered).toContain('HTTP/1.1 405 ');
    expect(answered.toLowerCase()).not.toContain('access-control-allow');
  });
});

describe('a connection', () => {
  it('that ends within a body is not logged as an error of the service', async () => {
    const lines: string[] = [];
    const log = createLog({ ...config, logLevel: 'debug' }, { write: (line) => void lines.push(line) });
    const logging = await startService(createFrame(config, log), { module: TestModule, authorization });
    const socket = connect(logging.port, '127.0.0.1');
    socket.write('POST /orders?hangs-up HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n');
    socket.write('Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"customerId":');
    // The server asks for the body when it has read the headers.
    await once(socket, 'data');
    socket.destroy();
    const line = await eventually('the request is logged', () => lines.find((each) => each.includes('hangs-up')));
    expect(JSON.parse(line)).toMatchObject({
      level: 'debug',
      msg: expect.stringMatching(/^client disconnected/) as string,
    });
    expect(JSON.parse(line)).not.toHaveProperty('err');
    await logging.stop();
  });

  it('beyond the limit is closed at once, and counted', async () => {
    const small = createFrame({ ...config, connectionsMax: 1, logLevel: 'silent' });
    const full = await startService(small, { module: TestModule, authorization });
    const first = connect(full.port, '127.0.0.1');
    await once(first, 'connect');
    const second = connect(full.port, '127.0.0.1');
    await once(second, 'close');
    first.destroy();
    const text = await (await fetch(`${full.operatorsUrl}/metrics`)).text();
    expect(text).toMatch(/^http_connections_refused_total [1-9]/m);
    await full.stop();
  });
});

describe('an error inside the service', () => {
  it('is answered as its problem, with its members and headers', async () => {
    const response = await ask('/orders/refused', { method: 'DELETE' });
    expect(response.headers.get('retry-after')).toBe('1');
    expect(await problemIn(response, 409, 'order-rejected')).toMatchObject({ short: [{ productId: 'cafe' }] });
  });

  // ASVS 5.0: 13.4.2, 16.3.4, 16.5.1
  it('is logged in full and hidden from the client if it is a bug', async () => {
    const response = await ask('/orders/broken', { method: 'DELETE' });
    const body = await problemIn(response, 500, 'internal');
    expect(JSON.stringify(body)).not.toContain('database');
    const line = logged.filter((each) => each.includes('the database said')).at(-1);
    expect(line).toContain(`"correlationId":"${body.correlationId}"`);
  });
});

describe('the routes for operators', () => {
  it('show that the process is live, and ready when nothing is missing', async () => {
    expect((await askAsOperator('/health/live')).status).toBe(200);
    frame.health.fact('role', () => 'standby');
    expect(await (await askAsOperator('/health/ready')).json()).toEqual({ status: 'ready', role: 'standby' });
    let missing: string | undefined = 'no connection';
    frame.health.indicator('broker', () => missing);
    expect(await faultsIn(await askAsOperator('/health/ready'), 503, 'not-ready')).toEqual({ broker: 'no connection' });
    missing = undefined;
    expect((await askAsOperator('/health/ready')).status).toBe(200);
  });

  it('show clients only whether the process is ready', async () => {
    frame.health.indicator('database', () => 'no connection to db-1');
    expect(await problemIn(await ask('/health/ready'), 503, 'not-ready')).not.toHaveProperty('faults');
    expect(await faultsIn(await askAsOperator('/health/ready'), 503, 'not-ready')).toHaveProperty('database');
    for (const path of ['/', '/metrics', '/docs', '/docs/', '/docs-json', '/docs/asyncapi.json', '/docs/index.html']) {
      await problemIn(await ask(path), 404, 'not-found');
    }
  });

  it('include the API, so that the forms in its documents work', async () => {
    const form = { origin: service.operatorsUrl, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
    const body = JSON.stringify(order);
    expect((await askAsOperator('/orders', { method: 'POST', body, headers: form })).status).toBe(202);
    expect((await ask('/orders', { method: 'POST', body, headers: form })).status).toBe(403);
  });

  it('count requests by route pattern', async () => {
    await ask(`/orders/${orderId}`);
    const text = await (await askAsOperator('/metrics')).text();
    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="GET",route="\/orders\/:orderId",status="200"\} \d/,
    );
    expect(text).not.toContain(orderId);
    expect(text).toContain('process_cpu_seconds_total');
  });

  it('describe the API as the operations declare it', async () => {
    const document = (await (await askAsOperator('/docs-json')).json()) as OpenAPIObject;
    expect(document.openapi).toBe('3.1.0');
    const post = document.paths['/orders']?.post;
    expect(Object.keys(post?.responses ?? {})).toEqual(expect.arrayContaining(['202', '400', '401', '403', '415']));
    expect(post?.parameters).toMatchObject([{ name: 'Idempotency-Key' }, { name: 'Prefer' }]);
    expect(document.components?.schemas).toHaveProperty('PlaceOrderRequest');
  });

  it('show the documents to people, with the scripts that they need', async () => {
    const page = await askAsOperator('/docs');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const html = await page.text();
    const scripts = [...html.matchAll(/<script src="([^"]+)"/g)].map(
      ([, src = '']) => new URL(src, `${service.operatorsUrl}/docs`),
    );
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) expect((await fetch(script)).status).toBe(200);
    expect(await (await askAsOperator('/docs/asyncapi.json')).json()).toEqual({ asyncapi: '3.0.0' });
    expect(await (await askAsOperator('/')).json()).toMatchObject({
      name: 'test',
      documents: ['/docs', '/docs-json', '/docs/asyncapi.json'],
    });
  });
});

describe('starting and stopping', () => {
  it('names the taken port', async () => {
    const second = startService(createFrame({ ...config, port: service.port, logLevel: 'silent' }), {
      module: TestModule,
      authorization,
    });
    await expect(second).rejects.toThrow(StartError);
    await expect(second).rejects.toThrow(`port ${service.port} of 127.0.0.1 is taken`);
  });

  it('finishes running requests, then closes its parts once', async () => {
    const closed: string[] = [];
    const stopping = await startService(createFrame({ ...config, logLevel: 'silent' }), {
      module: TestModule,
      authorization,
      close: [async () => void closed.push('publisher'), async () => void closed.push('connection')],
    });
    const underWay = fetch(`${stopping.url}/orders/slow/one`);
    await hasEntered;
    const stopped = [stopping.stop(), stopping.stop()];
    expect(closed).toEqual([]);
    finish();
    expect((await underWay).status).toBe(200);
    await Promise.all(stopped);
    await stopping.stop();
    expect(closed).toEqual(['publisher', 'connection']);
    await expect(fetch(stopping.url)).rejects.toThrow('fetch failed');
  });
});

describe('a streamed answer', () => {
  it('that fails midway is cut off, so that no client considers it complete', async () => {
    const response = await ask('/lists/broken', { headers: { 'accept-encoding': 'identity' } });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(logged.some((line) => line.includes('cut off') && line.includes('no node answers'))).toBe(true);
  });

  it('that fails before anything compressed was sent is a problem, which is not compressed', async () => {
    const response = await ask('/lists/broken', { headers: { 'accept-encoding': 'gzip' } });
    expect(response.headers.get('content-encoding')).toBeNull();
    await problemIn(response, 500, 'internal');
  });

  it('is produced as fast as the client reads, and ends when the client disconnects', async () => {
    const client = new AbortController();
    const response = await ask('/lists/endless', {
      signal: client.signal,
      headers: { 'accept-encoding': 'identity' },
    });
    const reader = response.body?.getReader();
    await reader?.read();
    // The buffers of the two ends of the connection hold some MB. Without a reader no more chunks than that are
    // produced.
    for (let request = 0; request < 20; request += 1) await (await ask('/health/live')).text();
    expect(streamed.chunks).toBeLessThan(1_000);
    expect(streamed.isOver).toBe(false);
    const over = new Promise<void>((resolve) => (streamed.end = resolve));
    logged.length = 0;
    client.abort();
    await over;
    expect(streamed.isOver).toBe(true);
    await (await ask('/health/live')).text();
    expect(logged.filter((line) => /"level":"(?:warn|error)"/.test(line))).toEqual([]);
  });

  it('is not produced for HEAD', async () => {
    streamed.isOver = false;
    const before = streamed.chunks;
    expect((await ask('/lists/endless', { method: 'HEAD' })).status).toBe(200);
    expect(streamed.chunks).toBeLessThanOrEqual(before + 1);
  });
});
