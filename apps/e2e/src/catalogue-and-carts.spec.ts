import { headers as headerNames, stampOf } from '@eco/contracts';
import { commandOf, eventually } from '@eco/testing';
import { startSecond } from './system/second-service.js';
import { openSystem, type System } from './system/system.js';

/** Central's catalogue, and carts whose edits may come in any order. */
let system: System;
beforeAll(async () => (system = await openSystem()));

it('has the first products and their stock', async () => {
  await eventually('the first products', async () => {
    const products = await system.central.get('/products?limit=1000');
    expect(products.body?.['items']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ productId: 'manzanas-organicas', name: 'Manzanas Orgánicas', priceCents: 250 }),
        expect.objectContaining({ productId: 'pan-integral', name: 'Pan Integral', priceCents: 180 }),
        expect.objectContaining({ productId: 'leche-deslactosada', name: 'Leche Deslactosada', priceCents: 320 }),
        expect.objectContaining({ productId: 'cafe-premium', name: 'Café Premium', priceCents: 890 }),
        expect.objectContaining({ productId: 'quinoa', name: 'Quinoa', priceCents: 1250 }),
      ]),
    );
    return true;
  });
  await eventually('their stock', async () => {
    const stock = await system.central.get('/inventory?limit=1000');
    expect(stock.body?.['items']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ productId: 'cafe-premium', location: 'central', onHand: 25 }),
        expect.objectContaining({ productId: 'quinoa', location: 'central', onHand: 15 }),
      ]),
    );
    return true;
  });
});

it('adds, changes and removes a product, and shows each change to a reader with the position', async () => {
  const product = { productId: 'te-verde', name: 'Té Verde', priceCents: 420 };
  const position = (headers: Headers) => ({ 'ecomarket-position': headers.get('ecomarket-position') ?? '' });

  const added = await system.central.post('/products', { ...product, stock: 3 });
  expect(added.status).toBe(201);
  expect((await system.central.get('/products/te-verde', position(added.headers))).body).toMatchObject(product);
  expect((await system.central.get('/inventory/te-verde', position(added.headers))).body).toMatchObject({
    levels: [{ location: 'central', onHand: 3, reserved: 0, available: 3 }],
  });
  const twice = await system.central.post('/products', { ...product, stock: 3 });
  expect(twice).toMatchObject({ status: 409, body: { type: 'urn:ecomarket:problem:product-exists' } });

  const changed = await system.central.send('PUT', '/products/te-verde', { name: 'Té Verde', priceCents: 450 });
  expect(changed.status).toBe(200);
  expect((await system.central.get('/products/te-verde', position(changed.headers))).body).toMatchObject({
    priceCents: 450,
  });

  const gone = await system.central.send('DELETE', '/products/te-verde');
  expect(gone.status).toBe(204);
  expect((await system.central.get('/products/te-verde', position(gone.headers))).status).toBe(404);
  const order = await system.central.post(
    '/orders',
    { customerId: 'jan', lines: [{ productId: 'te-verde', quantity: 1 }] },
    { prefer: 'wait=30' },
  );
  expect(order).toMatchObject({ status: 409, body: { unknownProducts: ['te-verde'] } });
  expect((await system.central.send('PUT', '/products/te-verde', { name: 'x', priceCents: 1 })).status).toBe(404);
});

it('keeps a cart and turns it into an order', async () => {
  await system.central.post('/products', { productId: 'cart-a', name: 'A', priceCents: 100, stock: 10 });
  await system.central.post('/products', { productId: 'cart-b', name: 'B', priceCents: 50, stock: 1 });
  const items = '/carts/karla/items';
  const wait = { prefer: 'wait=30' };
  expect((await system.central.send('PUT', `${items}/cart-a`, { quantity: 5 }, wait)).status).toBe(200);
  expect((await system.sucursal.send('PUT', `${items}/cart-b`, { quantity: 2 }, wait)).status).toBe(200);
  expect((await system.central.send('PUT', `${items}/cart-a`, { quantity: 2 }, wait)).status).toBe(200);

  const short = await system.central.send('POST', '/carts/karla/checkout', undefined, wait);
  expect(short).toMatchObject({ status: 409, body: { short: [{ productId: 'cart-b', asked: 2, available: 1 }] } });

  const edited = await system.central.send('DELETE', `${items}/cart-b`, undefined, wait);
  expect(edited.status).toBe(200);
  const cart = await system.central.get(items, {
    'ecomarket-position': edited.headers.get('ecomarket-position') ?? '',
  });
  expect(cart.body?.['items']).toEqual([
    expect.objectContaining({ productId: 'cart-a', quantity: 2, unitPriceCents: 100 }),
  ]);

  const order = await system.central.send('POST', '/carts/karla/checkout', undefined, wait);
  expect(order).toMatchObject({ status: 201, body: { totalCents: 200 } });
  const empty = await eventually('the cart is empty', async () => {
    const said = await system.central.get(items);
    return (said.body?.['items'] as unknown[]).length === 0 && said;
  });
  expect(empty.status).toBe(200);
  const again = await system.central.send('POST', '/carts/karla/checkout', undefined, wait);
  expect(again).toMatchObject({ status: 409, body: { type: 'urn:ecomarket:problem:cart-empty' } });
});

describe('a cart whose senders have different clocks', () => {
  const wait = { prefer: 'wait=30' };
  const itemsOf = (customerId: string) => `/carts/${customerId}/items`;
  const stocked = (productId: string) =>
    system.central.post('/products', { productId, name: productId, priceCents: 100, stock: 10 });
  const putStamped = (command: { stamp: string }, atMs: number) =>
    system.putOnQueue(
      'orders.g1',
      JSON.stringify({ version: 1, commands: [{ ...command, stamp: stampOf(atMs, 0, 'elsewhere') }] }),
    );
  const shows = (customerId: string, items: unknown[]) =>
    eventually('the cart shows it', async () => {
      const said = await system.central.get(itemsOf(customerId));
      return (
        JSON.stringify(
          (said.body?.['items'] as { productId: string; quantity: number }[]).map(({ productId, quantity }) => [
            productId,
            quantity,
          ]),
        ) === JSON.stringify(items)
      );
    });

  it('orders an edit stamped 3 s ahead, and applies a later edit by a correct clock', async () => {
    const [customerId, productId] = ['lena', 'ahead-a'];
    await stocked(productId);
    const ahead = (quantity: number) => commandOf('cart.edit', { customerId, productId, quantity });
    await putStamped(ahead(5), Date.now() + 3_000);
    await shows(customerId, [[productId, 5]]);
    const later = await system.sucursal.send('PUT', `${itemsOf(customerId)}/${productId}`, { quantity: 2 }, wait);
    expect(later).toMatchObject({ status: 200, body: { applied: true } });
    await putStamped(ahead(4), Date.now() + 3_000);
    await shows(customerId, [[productId, 4]]);
    const order = await system.central.send('POST', `/carts/${customerId}/checkout`, undefined, wait);
    expect(order).toMatchObject({ status: 201, body: { lines: [{ productId, quantity: 4 }] } });
  });

  it('accepts edits and a checkout after a clear stamped four minutes ahead', async () => {
    const [customerId, productId] = ['mina', 'ahead-b'];
    await stocked(productId);
    const put = `${itemsOf(customerId)}/${productId}`;
    const clear = commandOf('cart.clear', { customerId });
    await system.central.send('PUT', put, { quantity: 1 }, wait);
    await putStamped(clear, Date.now() + 240_000);
    await system.read.found(`/commands/${clear.id}`);
    await shows(customerId, []);
    const edited = await system.central.send('PUT', put, { quantity: 3 }, wait);
    expect(edited).toMatchObject({ status: 200, body: { applied: true } });
    const order = await system.sucursal.send('POST', `/carts/${customerId}/checkout`, undefined, wait);
    expect(order).toMatchObject({ status: 201, body: { lines: [{ productId, quantity: 3 }] } });
  });

  it('states the highest stamp of a cart, and gives a client that sends it a later one', async () => {
    const [customerId, productId] = ['nora', 'ahead-c'];
    await stocked(productId);
    const stampIn = ({ headers }: { headers: Headers }) => headers.get(headerNames.stamp) ?? '';
    const put = (api: System['central'], quantity: number, seen?: string) =>
      api.send(
        'PUT',
        `${itemsOf(customerId)}/${productId}`,
        { quantity },
        {
          ...wait,
          ...(seen === undefined ? {} : { [headerNames.stamp]: seen }),
        },
      );
    const first = await put(system.central, 1);
    const second = await put(system.sucursal, 2, stampIn(first));
    expect(stampIn(second) > stampIn(first)).toBe(true);
    const read = await system.read.get(itemsOf(customerId), {
      'ecomarket-position': second.headers.get('ecomarket-position') ?? '',
    });
    expect(stampIn(read) >= stampIn(second)).toBe(true);
    // A stamp that no correct sender can have issued is refused.
    const lie = stampOf(Date.UTC(2099, 0, 1), 0, 'stranger');
    const third = await put(system.central, 3, lie);
    expect(third.body).toEqual({ applied: true });
    expect(stampIn(third) < stampOf(Date.now() + 60_000, 0, 'z')).toBe(true);
    expect((await put(system.sucursal, 4, stampIn(third))).body).toEqual({ applied: true });
    expect((await put(system.central, 5, 'yesterday')).status).toBe(400);
  });

  it('keeps an edit that waits in one Central while the cart is checked out at the other', async () => {
    const [customerId, sold, waiting] = ['olga', 'two-centrals-a', 'two-centrals-b'];
    await stocked(sold);
    await stocked(waiting);
    await system.central.send('PUT', `${itemsOf(customerId)}/${sold}`, { quantity: 1 }, wait);
    const apart = await startSecond(system, 'central-api', { ECO_BROKERS: '127.0.0.1:1', ECO_CONSUMERS: 'none' });
    let edit: string;
    try {
      const kept = await apart.api.send('PUT', `${itemsOf(customerId)}/${waiting}`, { quantity: 2 });
      expect([kept.status, kept.headers.get(headerNames.durability)]).toEqual([202, 'local']);
      edit = kept.headers.get('location') ?? '';
      const order = await system.central.send('POST', `/carts/${customerId}/checkout`, undefined, wait);
      expect(order).toMatchObject({ status: 201, body: { lines: [{ productId: sold, quantity: 1 }] } });
      expect(order.body?.['lines']).toHaveLength(1);
    } finally {
      await apart.stop();
    }
    const back = await startSecond(system, 'central-api', { ECO_CONSUMERS: 'none' });
    try {
      expect((await system.read.found(edit)).body).toMatchObject({ result: { applied: true } });
    } finally {
      await back.stop();
    }
    await shows(customerId, [[waiting, 2]]);
    const next = await system.central.send('POST', `/carts/${customerId}/checkout`, undefined, wait);
    expect(next).toMatchObject({ status: 201, body: { lines: [{ productId: waiting, quantity: 2 }] } });
  });
});
