import { connect } from 'node:net';
import { openSystem, type Said, type System } from './system/system.js';

/** Every bad request gets a problem that names every violation, has no effect, and leaves the service working. */
let system: System;
beforeAll(async () => {
  system = await openSystem();
  const said = await system.central.post('/products', { productId: 'bad-input', name: 'P', priceCents: 1, stock: 100 });
  expect(said.status).toBe(201);
});

const good = { customerId: 'fina', lines: [{ productId: 'bad-input', quantity: 1 }] };
const line = (quantity: unknown, productId: unknown = 'bad-input') => ({ productId, quantity });

function faultsIn({ body }: Said): { at: string; message: string }[] {
  return (body?.['faults'] ?? []) as { at: string; message: string }[];
}

function expectProblem(said: Said, status: number, name: string): void {
  expect({ status: said.status, type: said.headers.get('content-type')?.split(';')[0], body: said.body }).toMatchObject(
    {
      status,
      type: 'application/problem+json',
      body: { type: `urn:ecomarket:problem:${name}`, status },
    },
  );
}

describe.each(['central', 'sucursal'] as const)('POST /orders on %s', (api) => {
  // ASVS 5.0: 2.2.1
  it.each([
    ['an unknown field', { ...good, colour: 'red' }, ['/colour']],
    ['wrong types', { customerId: 7, lines: 'many' }, ['/customerId', '/lines']],
    ['nothing', {}, ['/customerId', '/lines']],
    ['quantity 0', { ...good, lines: [line(0)] }, ['/lines/0/quantity']],
    ['a negative quantity', { ...good, lines: [line(-1)] }, ['/lines/0/quantity']],
    ['a fractional quantity', { ...good, lines: [line(1.5)] }, ['/lines/0/quantity']],
    ['a huge quantity', { ...good, lines: [line(1e15)] }, ['/lines/0/quantity']],
    ['a quantity in text', { ...good, lines: [line('2')] }, ['/lines/0/quantity']],
    ['no line', { ...good, lines: [] }, ['/lines']],
    ['the same product twice', { ...good, lines: [line(1), line(2)] }, ['/lines/1/productId']],
    [
      'the same product twice together with other violations',
      { ...good, lines: [line(0), { ...line('2'), colour: 1 }, null] },
      ['/lines/0/quantity', '/lines/1/colour', '/lines/1/productId', '/lines/1/quantity', '/lines/2'],
    ],
    ['a bad product id', { ...good, lines: [line(1, '../etc')] }, ['/lines/0/productId']],
    ['a control character', { ...good, customerId: 'a\u0000b' }, ['/customerId']],
    [
      'many violations at once',
      { customerId: '', lines: [line(0), { productId: 'x', quantity: 2, price: 1 }], note: 'hi' },
      ['/customerId', '/lines/0/quantity', '/lines/1/price', '/note'],
    ],
  ])('names every violation of %s', async (_what, body, at) => {
    const said = await system[api].post('/orders', body);
    expectProblem(said, 400, 'bad-input');
    expect(
      faultsIn(said)
        .map((fault) => fault.at)
        .sort(),
    ).toEqual([...at].sort());
    expect(faultsIn(said).every(({ message }) => message.length > 0)).toBe(true);
  });

  it('refuses 10,000 lines', async () => {
    const lines = Array.from({ length: 10_000 }, (_, index) => line(1, `p${index}`));
    const said = await system[api].post('/orders', { ...good, lines });
    expect([400, 413]).toContain(said.status);
    expect(said.headers.get('content-type')).toMatch('application/problem+json');
  });

  // ASVS 5.0: 4.1.1
  it.each([
    ['no JSON', '{"customerId": ', 400, 'malformed-json'],
    ['an empty body', '', 400, 'bad-input'],
    ['a body over the limit', JSON.stringify({ ...good, customerId: 'x'.repeat(2_000_000) }), 413, 'body-too-large'],
  ])('refuses %s', async (_what, body, status, name) => {
    expectProblem(await system[api].send('POST', '/orders', body), status, name);
  });

  it('refuses another media type and a bad key', async () => {
    expectProblem(
      await system[api].send('POST', '/orders', JSON.stringify(good), { 'content-type': 'text/plain' }),
      415,
      'unsupported-media-type',
    );
    const said = await system[api].post('/orders', good, { 'idempotency-key': 'k'.repeat(300) });
    expectProblem(said, 400, 'bad-input');
    expect(
      faultsIn(said)
        .map(({ at }) => at)
        .sort(),
    ).toEqual(['header.idempotency-key']);
  });
});

it('reports a missing path, method, id or order', async () => {
  expectProblem(await system.central.get('/no/such/path'), 404, 'not-found');
  expectProblem(await system.central.send('PATCH', '/orders'), 405, 'method-not-allowed');
  const said = await system.read.get('/orders/not-a-uuid');
  expectProblem(said, 400, 'bad-input');
  expect(faultsIn(said)).toEqual([expect.objectContaining({ at: 'path.orderId' })]);
  expectProblem(await system.read.get('/orders/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e'), 404, 'order-unknown');
  expectProblem(await system.read.get('/orders?customerId=a&limit=0&colour=red'), 400, 'bad-input');
  expectProblem(await system.read.get('/orders/%E0%A4%A'), 400, 'bad-input');
});

describe.each(['central', 'sucursal', 'read'] as const)('a read of %s', (api) => {
  it.each([
    ['query.from', '/orders?customerId=fina&from=0000-01-01T00:00:00Z'],
    ['query.from', '/orders?customerId=fina&from=0001-01-01T00:00:00%2B14:00'],
    ['query.to', '/orders?customerId=fina&to=2026-12-31T23:59:60Z'],
    ['query.customerId', '/orders?customerId=%20fina'],
    ['path.customerId', '/customers/fina%E2%80%8B'],
    ['query.status', '/orders?customerId=fina&status=open'],
    ['query.limit', '/products?limit='],
    ['query.limit', '/products?limit=0x5'],
    ['query.limit', '/products?limit=1&limit=2'],
    ['query.after', '/orders?customerId=fina&after=0000-01-01T00:00:00Z/0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e'],
    ['query', '/orders?customerId=%FF'],
  ])('names %s in %s', async (at, path) => {
    const said = await system[api].get(path);
    expectProblem(said, 400, 'bad-input');
    expect(faultsIn(said)).toEqual([{ at, message: expect.stringMatching(/.{10}/) as string }]);
  });

  it('accepts every offset of RFC 3339', async () => {
    for (const from of ['2026-11-24T00:00:00-06:00', '2026-11-24t00:00:00.123456z', '2026-11-24T00:00:00%2B23:59']) {
      expect((await system[api].get(`/orders?customerId=fina&from=${from}`)).status).toBe(200);
    }
  });
});

it('answers a request that is no HTTP and keeps working', async () => {
  const { hostname, port } = new URL(system.central.url);
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write('HELLO\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
  expect(answer).toMatch(/^HTTP\/1\.1 400/);
  expect((await system.central.get('/health/ready')).status).toBe(200);
});

it('carried out none of these requests', async () => {
  const [level] = await system.sql<{ reserved: string }>('SELECT reserved FROM eco.stock_level WHERE product_id = $1', [
    'bad-input',
  ]);
  expect(level).toEqual({ reserved: '0' });
});
