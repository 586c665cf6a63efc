import { eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/** Central's catalogue, and carts whose edits may come in any order. */
let system: System;
beforeAll(async () => (system = await openSystem()));

it('has the first products and their stock', async () => {
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
  const stock = await system.central.get('/inventory?limit=1000');
  expect(stock.body?.['items']).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ productId: 'cafe-premium', location: 'central', onHand: 25 }),
      expect.objectContaining({ productId: 'quinoa', location: 'central', onHand: 15 }),
    ]),
  );
});

it('adds, changes and takes out a product, and shows each to the reader who brings the position', async () => {
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

it('keeps a cart and makes an order of it', async () => {
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
