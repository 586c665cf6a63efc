import { randomUUID } from 'node:crypto';
import { VHOST } from '@eco/broker';
import { headers as headerNames } from '@eco/contracts';
import { SideConnection } from '@eco/postgres';
import { apiClientOf, eventually, startTestCluster, type Answered, type TestCluster } from '@eco/testing';

/*
 * Central's responses on real servers. There is one broker, so that a test can stop it, and one group. The processes
 * are the built ones.
 */

let cluster: TestCluster;
let central: string;
let operators: string;

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 0 }], writersPerGroup: 1 });
  const service = cluster.services.find(({ name }) => name.startsWith('central-api'));
  central = service?.url ?? '';
  operators = service?.operatorsUrl ?? '';
}, 180_000);
afterAll(() => cluster.destroy());

const ask = apiClientOf(
  () => central,
  () => cluster.system.tokens,
);
const askAsOperator = apiClientOf(() => operators);
const waiting = { prefer: 'wait=30' };

/** Event queues of the consumer that maintains Central's table of customers. */
async function queuesOfCustomers(): Promise<string[]> {
  const text = await cluster.brokers[0]?.control('list_queues', '--vhost', VHOST, '--no-table-headers', 'name');
  return (text ?? '').split('\n').filter((name) => name.startsWith('events.customers.'));
}

/** Names that no other test uses. */
function names() {
  const suffix = randomUUID().slice(0, 8);
  return { customerId: `ana ${suffix}`, productId: `cafe-${suffix}`, idempotencyKey: `key-${suffix}` };
}

/** Adds a product with these units at the head office. */
async function stocked(productId: string, stock: number) {
  const made = await ask('POST', '/products', { productId, name: 'Café', priceCents: 890, stock });
  expect(made.status).toBe(201);
}

describe('POST /orders', () => {
  it('responds 202 with the order’s location, and a position that sees it', async () => {
    const { customerId, productId } = names();
    await stocked(productId, 5);
    const { status, headers, body } = await ask('POST', '/orders', { customerId, lines: [{ productId, quantity: 2 }] });
    const orderId = body['orderId'] as string;
    expect([status, body]).toEqual([202, { orderId, status: 'accepted' }]);
    expect(headers.get('location')).toBe(`/orders/${orderId}`);
    expect(headers.get(headerNames.position)).toBe(`order/${orderId}`);
    const read = await ask('GET', `/orders/${orderId}`, undefined, {
      ...waiting,
      [headerNames.position]: `order/${orderId}`,
    });
    expect(read).toMatchObject({
      status: 200,
      body: { orderId, status: 'confirmed', totalCents: 1780, branchId: null },
    });
  });

  it('responds with the decision to a waiting client: confirmed', async () => {
    const { customerId, productId } = names();
    await stocked(productId, 5);
    const { status, headers, body } = await ask(
      'POST',
      '/orders',
      { customerId, lines: [{ productId, quantity: 5 }] },
      waiting,
    );
    expect([status, body]).toMatchObject([
      201,
      { status: 'confirmed', totalCents: 4450, lines: [{ productId, quantity: 5, unitPriceCents: 890, name: 'Café' }] },
    ]);
    expect(headers.get(headerNames.preferenceApplied)).toBe('wait=30');
    const position = headers.get(headerNames.position) ?? '';
    expect(position).toMatch(/^g1=\d+\.[0-9a-f-]+\.\d+$/);
    const read = await ask('GET', headers.get('location') ?? '', undefined, { [headerNames.position]: position });
    expect(read).toMatchObject({ status: 200, body: { status: 'confirmed' } });
  });

  it('responds with the decision to a waiting client: rejected, with every short line and every unknown product', async () => {
    const { customerId, productId } = names();
    await stocked(productId, 1);
    await stocked(`${productId}-2`, 0);
    const lines = [productId, `${productId}-2`, `${productId}-3`].map((each) => ({ productId: each, quantity: 2 }));
    const { status, body } = await ask('POST', '/orders', { customerId, lines }, waiting);
    expect([status, body]).toMatchObject([
      409,
      {
        type: 'urn:ecomarket:problem:order-rejected',
        status: 409,
        short: [
          { productId, asked: 2, available: 1 },
          { productId: `${productId}-2`, asked: 2, available: 0 },
        ],
        unknownProducts: [`${productId}-3`],
      },
    ]);
  });

  it('gives a repeat the first answer, and rejects another order under the same key', async () => {
    const { customerId, productId, idempotencyKey } = names();
    await stocked(productId, 3);
    const order = { customerId, lines: [{ productId, quantity: 2 }] };
    const keyed = { ...waiting, 'idempotency-key': idempotencyKey };
    const first = await ask('POST', '/orders', order, keyed);
    const second = await ask('POST', '/orders', order, keyed);
    expect([second.status, second.body]).toEqual([201, first.body]);
    expect([first, second].map(({ headers }) => headers.get(headerNames.idempotentReplayed))).toEqual([null, 'true']);
    const other = await ask('POST', '/orders', { customerId, lines: [{ productId, quantity: 1 }] }, keyed);
    expect(other).toMatchObject({ status: 422, body: { type: 'urn:ecomarket:problem:key-conflict' } });
    const unwaited = await ask('POST', '/orders', order, { 'idempotency-key': idempotencyKey });
    expect(unwaited).toMatchObject({ status: 202, body: { orderId: first.body['orderId'] } });
    const stock = await ask('GET', `/inventory/${productId}`, undefined, {
      [headerNames.position]: other.headers.get(headerNames.position) ?? '',
    });
    expect(stock.body).toMatchObject({ levels: [{ onHand: 3, reserved: 2, available: 1 }] });
  });
});

describe('one Idempotency-Key with two contents', () => {
  it('is answered 422 at once, also to a client that does not wait, and the second content is not sent', async () => {
    const { customerId, productId, idempotencyKey } = names();
    await stocked(productId, 3);
    const keyed = { 'idempotency-key': idempotencyKey };
    const orderOf = (quantity: number) => ({ customerId, lines: [{ productId, quantity }] });
    const first = await ask('POST', '/orders', orderOf(1), keyed);
    const other = await ask('POST', '/orders', orderOf(2), keyed);
    const again = await ask('POST', '/orders', orderOf(1), keyed);
    expect([first.status, other.status, again.status]).toEqual([202, 422, 202]);
    expect(other.body).toMatchObject({
      type: 'urn:ecomarket:problem:key-conflict',
      commandId: first.body['orderId'],
    });
    const decided = await ask('GET', `/commands/${first.body['orderId'] as string}`, undefined, waiting);
    expect(decided.body).toMatchObject({ status: 'done', result: { lines: [{ productId, quantity: 1 }] } });
    expect(decided.body).not.toHaveProperty('keyConflicts');
  });
});

describe('carts', () => {
  it('contain the last edits, and become an order', async () => {
    const { customerId, productId } = names();
    const cart = `/carts/${encodeURIComponent(customerId)}`;
    await stocked(productId, 9);
    expect(await ask('POST', `${cart}/checkout`, undefined, waiting)).toMatchObject({
      status: 409,
      body: { type: 'urn:ecomarket:problem:cart-empty' },
    });
    expect((await ask('PUT', `${cart}/items/${productId}`, { quantity: 7 })).status).toBe(202);
    const put = await ask('PUT', `${cart}/items/${productId}`, { quantity: 3 }, waiting);
    expect([put.status, put.body]).toEqual([200, { applied: true }]);
    const position = { [headerNames.position]: put.headers.get(headerNames.position) ?? '' };
    expect((await ask('GET', `${cart}/items`, undefined, position)).body).toMatchObject({
      items: [{ productId, quantity: 3 }],
    });
    const order = await ask('POST', `${cart}/checkout`, {}, waiting);
    expect(order).toMatchObject({ status: 201, body: { status: 'confirmed', lines: [{ productId, quantity: 3 }] } });
    const after = { [headerNames.position]: order.headers.get(headerNames.position) ?? '' };
    expect((await ask('GET', `${cart}/items`, undefined, after)).body).toMatchObject({ items: [] });
  });

  it('forget removed items, one by one or all', async () => {
    const { customerId, productId } = names();
    const items = `/carts/${encodeURIComponent(customerId)}/items`;
    for (const each of ['a', 'b', 'c']) await ask('PUT', `${items}/${productId}-${each}`, { quantity: 1 }, waiting);
    const one = await ask('DELETE', `${items}/${productId}-a`, undefined, waiting);
    const left = await ask('GET', items, undefined, {
      [headerNames.position]: one.headers.get(headerNames.position) ?? '',
    });
    expect(left.body).toMatchObject({ items: [{ productId: `${productId}-b` }, { productId: `${productId}-c` }] });
    const all = await ask('DELETE', items, undefined, waiting);
    const none = await ask('GET', items, undefined, {
      [headerNames.position]: all.headers.get(headerNames.position) ?? '',
    });
    expect(none.body).toMatchObject({ items: [] });
  });
});

it('receives events again after a consumer’s queue was deleted', async () => {
  const lost = await eventually('a queue', async () => (await queuesOfCustomers())[0]);
  await cluster.brokers[0]?.control('delete_queue', '--vhost', VHOST, lost);
  await eventually('another one', async () => (await queuesOfCustomers()).some((name) => name !== lost));
});

it("treats a page start that the database can't store as the client's error, and continues to read", async () => {
  const refused = await ask('GET', `/customers?after=${encodeURIComponent('a\u0000b')}`);
  expect(refused).toMatchObject({ status: 400, body: { type: 'urn:ecomarket:problem:bad-input' } });
  expect((await ask('GET', '/customers')).status).toBe(200);
});

describe('POST /customers', () => {
  it('registers a customer once, under the given or a new id', async () => {
    const { customerId, idempotencyKey } = names();
    const customer = { name: 'Ana', email: 'ana@example.com' };
    const registered = await ask('POST', '/customers', { customerId, ...customer }, waiting);
    expect([registered.status, registered.body]).toEqual([201, { customerId }]);
    const again = await ask('POST', '/customers', { customerId, ...customer }, waiting);
    expect(again).toMatchObject({ status: 409, body: { type: 'urn:ecomarket:problem:customer-exists' } });
    const keyed = { 'idempotency-key': idempotencyKey };
    const made = await ask('POST', '/customers', customer, keyed);
    expect(made.status).toBe(202);
    const repeated = await ask('POST', '/customers', customer, { ...keyed, ...waiting });
    expect(repeated).toMatchObject({ status: 201, body: { customerId: made.body['customerId'] } });
    const read = await ask('GET', made.headers.get('location') ?? '', undefined, {
      [headerNames.position]: repeated.headers.get(headerNames.position) ?? '',
    });
    expect(read).toMatchObject({ status: 200, body: customer });
  });
});

describe('PATCH /customers/{customerId}', () => {
  it('changes only the fields that it names', async () => {
    const { customerId } = names();
    const path = `/customers/${customerId}`;
    await ask('POST', '/customers', { customerId, name: 'Ana', email: 'ana@example.com' }, waiting);
    const renamed = await ask('PATCH', path, { name: 'Ana Gil' });
    expect([renamed.status, renamed.body]).toEqual([200, { customerId }]);
    const moved = await ask('PATCH', path, { email: 'ana@example.org' });
    const position = { [headerNames.position]: moved.headers.get(headerNames.position) ?? '' };
    const read = await ask('GET', path, undefined, position);
    expect(read.body).toMatchObject({ customerId, name: 'Ana Gil', email: 'ana@example.org', branchId: null });
    await eventually("Central's table has the change", async () => {
      const { body } = await ask('GET', '/customers?limit=1000', undefined, position);
      expect(body['items']).toContainEqual(read.body);
      return true;
    });
  });

  it('finds a customer that an earlier version registered under a decomposed id', async () => {
    const customerId = `${names().customerId} Jose\u0301`;
    const node = cluster.system.layout.groups[0]?.nodes[0];
    if (node === undefined) throw new Error('there is no node');
    using database = new SideConnection(node, cluster.system.databaseLogin('postgres'), 'spec');
    await database.ask(
      `INSERT INTO eco.customer (customer_id, seq, registered_at, bucket, name, email)
       VALUES ($1, 0, now(), 0, 'José', 'j@example.com')`,
      [customerId],
      30_000,
    );
    const changed = await ask('PATCH', `/customers/${encodeURIComponent(customerId)}`, { name: 'José Gil' });
    expect([changed.status, changed.body]).toEqual([200, { customerId }]);
  });

  it('refuses an unknown customer and an empty change', async () => {
    const path = `/customers/${names().customerId}`;
    const unknown = await ask('PATCH', path, { name: 'Ana' });
    expect(unknown).toMatchObject({ status: 404, body: { type: 'urn:ecomarket:problem:customer-unknown' } });
    const empty = await ask('PATCH', path, {});
    expect(empty).toMatchObject({ status: 400, body: { type: 'urn:ecomarket:problem:bad-input' } });
  });
});

describe('the catalogue', () => {
  it('is changed within the request', async () => {
    const { productId } = names();
    const product = { productId, name: 'Té', priceCents: 300, stock: 4 };
    const path = `/products/${productId}`;
    const made = await ask('POST', '/products', product);
    const level = { onHand: 4, reserved: 0, available: 4 };
    expect([made.status, made.body, made.headers.get('location')]).toEqual([
      201,
      { productId, version: 1, level },
      path,
    ]);
    expect(made.headers.get(headerNames.preferenceApplied)).toBeNull();
    expect(await ask('POST', '/products', product)).toMatchObject({
      status: 409,
      body: { type: 'urn:ecomarket:problem:product-exists' },
    });
    const changed = await ask('PUT', path, { name: 'Té verde', priceCents: 350 });
    expect([changed.status, changed.body]).toEqual([200, { productId, version: 2 }]);
    const read = await ask('GET', path, undefined, {
      [headerNames.position]: changed.headers.get(headerNames.position) ?? '',
    });
    expect(read).toMatchObject({ status: 200, body: { name: 'Té verde', priceCents: 350 } });
    const deleted = await ask('DELETE', path);
    expect([deleted.status, deleted.body]).toEqual([204, {}]);
    for (const refused of [await ask('DELETE', path), await ask('PUT', path, { name: 'x', priceCents: 1 })]) {
      expect(refused).toMatchObject({ status: 404, body: { type: 'urn:ecomarket:problem:product-unknown' } });
    }
  });

  it('is changed by field, and only in the version that the client has seen', async () => {
    const { productId } = names();
    const path = `/products/${productId}`;
    const made = await ask('POST', '/products', { productId, name: 'Té', priceCents: 300, stock: 4 });
    expect(made.headers.get('etag')).toBe('"1"');
    const merge = { 'content-type': 'application/merge-patch+json' };
    const renamed = await ask('PATCH', path, { name: 'Té verde' }, { ...merge, 'if-match': '"1"' });
    expect([renamed.status, renamed.body, renamed.headers.get('etag')]).toEqual([
      200,
      { productId, version: 2 },
      '"2"',
    ]);
    const stale = { 'if-match': '"1"' };
    for (const refused of [
      await ask('PATCH', path, { priceCents: 350 }, stale),
      await ask('PUT', path, { name: 'Té', priceCents: 350 }, stale),
      await ask('DELETE', path, undefined, stale),
      await ask('DELETE', path, undefined, { 'if-match': 'W/"2"' }),
    ]) {
      const body = { type: 'urn:ecomarket:problem:product-changed', version: 2 };
      expect(refused).toMatchObject({ status: 412, body });
    }
    const priced = await ask('PATCH', path, { priceCents: 350 }, { 'if-match': '*' });
    const read = await ask('GET', path, undefined, {
      [headerNames.position]: priced.headers.get(headerNames.position) ?? '',
    });
    expect(read).toMatchObject({ status: 200, body: { name: 'Té verde', priceCents: 350, version: 3 } });
    expect(read.headers.get('etag')).toBe('"3"');
    for (const [body, headers] of [
      [{}, {}],
      [{ name: null }, {}],
      [{ stock: 3 }, {}],
      [{ priceCents: 1 }, { 'if-match': '3' }],
    ] as const) {
      expect((await ask('PATCH', path, body, headers)).status).toBe(400);
    }
    expect((await ask('PUT', path, { name: 'x', priceCents: 1 }, merge)).status).toBe(415);
    expect((await ask('DELETE', path, undefined, { 'if-match': '"2", "3"' })).status).toBe(204);
    const again = await ask('POST', '/products', { productId, name: 'Té', priceCents: 300, stock: 5 });
    expect(again.body).toEqual({ productId, version: 5, level: { onHand: 9, reserved: 0, available: 9 } });
  });

  it('is answered 202 when the wait is over', async () => {
    const { productId } = names();
    const { status, headers, body } = await ask(
      'POST',
      '/products',
      { productId, name: 'Té', priceCents: 300 },
      { prefer: 'wait=0' },
    );
    expect([status, body['status']]).toEqual([202, 'accepted']);
    const outcome = await eventually('the outcome of the command', async () => {
      const read = await ask('GET', headers.get('location') ?? '');
      return read.status === 200 && read.body;
    });
    expect(outcome).toMatchObject({ status: 'done' });
  });
});

describe('when a part is away', () => {
  const serviceOf = (prefix: string) => {
    const found = cluster.services.find(({ name }) => name.startsWith(prefix));
    if (found === undefined) throw new Error(`no service ${prefix}`);
    return found;
  };
  const onlyBroker = () => {
    const [broker] = cluster.brokers;
    if (broker === undefined) throw new Error('there is no broker');
    return broker;
  };
  const order = () => ({ customerId: names().customerId, lines: [{ productId: 'none', quantity: 1 }] });
  const retryAfter = (answered: Answered) => answered.headers.get(headerNames.retryAfter);

  it('accepts orders while the writer is stalled, and responds 202 when the wait is over', async () => {
    const writer = serviceOf('shard-writer');
    await writer.pause();
    try {
      const began = performance.now();
      const answered = await ask('POST', '/orders', order(), { prefer: 'wait=1' });
      expect(answered).toMatchObject({ status: 202, body: { status: 'accepted' } });
      expect(answered.headers.get(headerNames.preferenceApplied)).toBe('wait=1');
      expect(performance.now() - began).toBeGreaterThan(900);
    } finally {
      await writer.resume();
    }
  });

  it('reports acceptance-unknown for a customer when the broker stalls, and never keeps one', async () => {
    const customer = { name: 'Ana', email: 'ana@example.com' };
    const broker = onlyBroker();
    await broker.pause();
    try {
      const answered = await ask('POST', '/customers', customer, { 'idempotency-key': 'k' });
      expect(answered).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:acceptance-unknown' } });
      expect(answered.body['detail']).toContain('same Idempotency-Key');
      expect(retryAfter(answered)).toBe('2');
      // The unconfirmed message blocks later ones: they are refused at once, and nothing is sent.
      const next = await ask('POST', '/customers', customer);
      expect(next).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:not-accepted' } });
    } finally {
      await broker.resume();
    }
    await eventually('one is taken again', async () => (await ask('POST', '/customers', customer)).status === 202, {
      deadlineMs: 60_000,
    });
  });

  it('responds 202 to a waiting client when it is stopped', async () => {
    const writer = serviceOf('shard-writer');
    const api = serviceOf('central-api');
    await writer.pause();
    try {
      const underWay = ask('POST', '/orders', order(), { prefer: 'wait=30' });
      await eventually('the order is under way', async () => {
        const text = await (await fetch(`${operators}/metrics`)).text();
        return /^eco_publisher_reply_waits 1$/m.test(text);
      });
      const stopped = api.stop();
      expect((await underWay).status).toBe(202);
      await stopped;
    } finally {
      await writer.resume();
    }
    expect(await api.isRunning()).toBe(false);
  });
});

it('serves its documents', async () => {
  await cluster.services.find(({ name }) => name.startsWith('central-api'))?.start();
  expect((await askAsOperator('GET', '/docs-json')).body).toMatchObject({ openapi: '3.1.0' });
  expect((await askAsOperator('GET', '/docs/asyncapi.json')).body).toMatchObject({ asyncapi: '3.0.0' });
  expect((await askAsOperator('GET', '/')).body).toMatchObject({ title: 'EcoMarket Central API' });
});
