import { readFile } from 'node:fs/promises';
import { eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/** The path of an order: accepted by a majority of brokers, decided once, shown by a replica. */
let system: System;
beforeAll(async () => (system = await openSystem()));

const product = async (productId: string, stock: number, priceCents = 250): Promise<void> => {
  const said = await system.central.post('/products', { productId, name: `Product ${productId}`, priceCents, stock });
  expect(said.status).toBe(201);
};

describe.each(['central', 'sucursal'] as const)('an order through %s', (api) => {
  const branchId = api === 'central' ? null : 'sucursal-1';

  it('is accepted with 202, decided, and shown by a replica with its price', async () => {
    await product(`one-${api}`, 10);
    const accepted = await system[api].post('/orders', {
      customerId: `ana-${api}`,
      lines: [{ productId: `one-${api}`, quantity: 3 }],
    });
    expect(accepted.status).toBe(202);
    const orderId = String(accepted.body?.['orderId']);
    expect(accepted.headers.get('location')).toBe(`/orders/${orderId}`);
    expect(accepted.headers.get('ecomarket-position')).toBe(`order/${orderId}`);

    const order = await eventually('a replica shows the order', async () => {
      const said = await system.read.get(`/orders/${orderId}`);
      return said.status === 200 && /replica/.test(said.headers.get('ecomarket-source') ?? '') && said;
    });
    expect(order.body).toMatchObject({
      orderId,
      customerId: `ana-${api}`,
      branchId,
      status: 'confirmed',
      totalCents: 750,
      lines: [{ productId: `one-${api}`, quantity: 3, unitPriceCents: 250 }],
    });
    const position = order.headers.get('ecomarket-position') ?? '';
    expect(position).toMatch(/^g1=\d+\.[0-9a-f-]+\.\d+$/);
    expect(Number(order.headers.get('ecomarket-lag-ms'))).toBeGreaterThanOrEqual(0);

    // This read may come from another replica, which may be behind.
    const list = await system.read.get(`/orders?customerId=ana-${api}`, { 'ecomarket-position': position });
    expect(list.body?.['items']).toEqual([expect.objectContaining({ orderId })]);
  });

  it('responds with the outcome to a waiting client: 201 with the position, 409 with every short line', async () => {
    await product(`wait-${api}-a`, 5);
    await product(`wait-${api}-b`, 1);
    const confirmed = await system[api].post(
      '/orders',
      { customerId: 'bea', lines: [{ productId: `wait-${api}-a`, quantity: 2 }] },
      { prefer: 'wait=30' },
    );
    expect(confirmed.status).toBe(201);
    expect(confirmed.headers.get('preference-applied')).toBe('wait=30');
    const position = confirmed.headers.get('ecomarket-position') ?? '';
    const read = await system.read.get(`/orders/${String(confirmed.body?.['orderId'])}`, {
      'ecomarket-position': position,
    });
    expect(read.status).toBe(200);

    const rejected = await system[api].post(
      '/orders',
      {
        customerId: 'bea',
        lines: [
          { productId: `wait-${api}-a`, quantity: 4 },
          { productId: `wait-${api}-b`, quantity: 2 },
          { productId: 'no-such-product', quantity: 1 },
        ],
      },
      { prefer: 'wait=30' },
    );
    expect(rejected.status).toBe(409);
    expect(rejected.headers.get('content-type')).toMatch('application/problem+json');
    expect(rejected.body).toMatchObject({
      type: 'urn:ecomarket:problem:order-rejected',
      short: [
        { productId: `wait-${api}-a`, asked: 4, available: 3 },
        { productId: `wait-${api}-b`, asked: 2, available: 1 },
      ],
      unknownProducts: ['no-such-product'],
    });
    const stock = await system.read.get(`/inventory/wait-${api}-a`, {
      'ecomarket-position': rejected.headers.get('ecomarket-position') ?? position,
    });
    expect(stock.body?.['levels']).toEqual([
      expect.objectContaining({ location: 'central', onHand: 5, reserved: 2, available: 3 }),
    ]);
  });

  it('has one effect under one Idempotency-Key, and refuses the key for another order', async () => {
    await product(`key-${api}`, 100);
    const body = { customerId: 'cleo', lines: [{ productId: `key-${api}`, quantity: 1 }] };
    const headers = { 'idempotency-key': `till-7-${api}`, prefer: 'wait=30' };
    const first = await system[api].post('/orders', body, headers);
    const again = await Promise.all(Array.from({ length: 5 }, () => system[api].post('/orders', body, headers)));
    expect(first.status).toBe(201);
    for (const said of again) {
      expect(said.status).toBe(201);
      expect(said.body).toEqual(first.body);
      expect(said.headers.get('idempotent-replayed')).toBe('true');
    }
    const other = await system[api].post(
      '/orders',
      { ...body, lines: [{ productId: `key-${api}`, quantity: 2 }] },
      headers,
    );
    expect(other.status).toBe(422);
    expect(other.body).toMatchObject({ type: 'urn:ecomarket:problem:key-conflict' });
    const [movements] = await system.sql<{ count: string; units: string }>(
      `SELECT count(*), sum(reserved_delta) AS units FROM eco.movement WHERE product_id = $1 AND movement = 'reserved'`,
      [`key-${api}`],
    );
    expect(movements).toEqual({ count: '1', units: '1' });
  });
});

describe('an order', () => {
  it('is shown as pending to a reader with its position, until it is decided', async () => {
    await product('pending', 1);
    const accepted = await system.central.post('/orders', {
      customerId: 'dora',
      lines: [{ productId: 'pending', quantity: 1 }],
    });
    const orderId = String(accepted.body?.['orderId']);
    const seen = await system.read.get(`/orders/${orderId}`, {
      'ecomarket-position': accepted.headers.get('ecomarket-position') ?? '',
      prefer: 'wait=30',
    });
    expect(seen.status).toBe(200);
    expect(seen.body).toMatchObject({ orderId, status: 'confirmed' });
    const unknown = await system.read.get('/orders/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e');
    expect(unknown.status).toBe(404);
  });

  it('follows one correlation id from the request to the write, found by the client’s own id', async () => {
    await product('traced', 1);
    const said = await system.central.post(
      '/orders',
      { customerId: 'eva', lines: [{ productId: 'traced', quantity: 1 }] },
      { 'x-correlation-id': 'trace-me-7f3a', prefer: 'wait=30' },
    );
    expect(said.status).toBe(201);
    const correlationId = said.headers.get('x-correlation-id') ?? '';
    expect(correlationId).toMatch(/^[0-9a-f-]{36}$/);
    const logOf = (name: string) => readFile(`${system.dataDir}/log/${name}.log`, 'utf8');
    const writers = system.writers.map(({ name }) => name);
    await eventually('the id in the log of Central and of the writer that decided', async () => {
      const central = await logOf('central-api');
      const decided = (await Promise.all(writers.map(logOf))).join('\n');
      const line = central.split('\n').find((each) => each.includes('"clientCorrelationId":"trace-me-7f3a"'));
      return line?.includes(correlationId) === true && decided.includes(correlationId);
    });
  });
});
