import { orderIdFor } from '@eco/routing';
import { eventually, usualIdKey } from '@eco/testing';
import { openSystem, type Said, type System } from './system/system.js';

/** Stock over REST: held, sold, handed over, returned, counted, moved. Each request is answered with its decision. */
let system: System;
beforeAll(async () => (system = await openSystem()));

let keys = 0;
const keyed = () => ({ 'idempotency-key': `inventory-${(keys += 1)}`, prefer: 'wait=20' });
const problem = ({ status, body }: Said) => [status, String(body?.['type']).replace('urn:ecomarket:problem:', '')];

async function stocked(productId: string, stock: number): Promise<void> {
  const said = await system.central.post('/products', { productId, name: 'P', priceCents: 250, stock }, keyed());
  expect(said.status).toBe(201);
}
async function levels(productId: string, after: Said) {
  const position = { 'ecomarket-position': after.headers.get('ecomarket-position') ?? '' };
  return (await system.read.get(`/inventory/${productId}`, position)).body?.['levels'];
}

describe.each(['central', 'sucursal'] as const)('a reservation through %s', (api) => {
  const customerId = `rosa-${api}`;
  const of = (path: string, body: object = {}) => system[api].post(path, { customerId, ...body }, keyed());

  it('is held, confirmed, fulfilled, and returned', async () => {
    const productId = `held-${api}`;
    await stocked(productId, 5);
    const held = await of('/reservations', { lines: [{ productId, quantity: 3 }] });
    expect([held.status, held.body]).toMatchObject([201, { status: 'held', totalCents: 750 }]);
    const reservationId = String(held.body?.['reservationId']);
    expect(held.headers.get('location')).toBe(`/reservations/${reservationId}`);
    expect(await levels(productId, held)).toMatchObject([{ onHand: 5, reserved: 3, available: 2 }]);

    const confirmed = await of(`/reservations/${reservationId}/confirm`);
    expect([confirmed.status, confirmed.body]).toMatchObject([201, { status: 'confirmed', totalCents: 750 }]);
    const orderId = String(confirmed.body?.['orderId']);
    const seen = await system[api].found(`/reservations/${reservationId}`, {
      'ecomarket-position': confirmed.headers.get('ecomarket-position') ?? '',
    });
    expect(seen.body).toMatchObject({ status: 'confirmed', orderId });
    expect(problem(await of(`/reservations/${reservationId}/release`))).toEqual([409, 'reservation-over']);

    const fulfilled = await of(`/orders/${orderId}/fulfil`);
    expect([fulfilled.status, fulfilled.body]).toMatchObject([200, { status: 'fulfilled' }]);
    expect(await levels(productId, fulfilled)).toMatchObject([{ onHand: 2, reserved: 0 }]);
    expect(problem(await of(`/orders/${orderId}/cancel`))).toEqual([409, 'order-not-open']);

    const back = await of(`/orders/${orderId}/returns`, { lines: [{ productId, quantity: 2 }] });
    expect([back.status, back.body]).toMatchObject([
      200,
      { location: api === 'central' ? 'central' : 'sucursal-1', returned: [{ productId, quantity: 2 }] },
    ]);
    const tooMuch = await of(`/orders/${orderId}/returns`, { lines: [{ productId, quantity: 2 }] });
    expect(problem(tooMuch)).toEqual([409, 'return-exceeds-order']);
    expect(tooMuch.body).toMatchObject({ excess: [{ productId, asked: 2, returnable: 1 }] });
    const order = await system[api].found(`/orders/${orderId}`, {
      'ecomarket-position': back.headers.get('ecomarket-position') ?? '',
    });
    expect(order.body).toMatchObject({ status: 'fulfilled', reservationId, returned: [{ productId, quantity: 2 }] });
  });

  it('is refused if its customer would hold too many units for too long, until another one ends', async () => {
    const productId = `hoarded-${api}`;
    await stocked(productId, 10_000);
    const hoarder = { customerId: `hoarder-${api}` };
    const reserve = (quantity: number, ttlSeconds: number) =>
      of('/reservations', { ...hoarder, lines: [{ productId, quantity }], ttlSeconds });
    expect(problem(await reserve(1_000, 3_600))).toEqual([409, 'reservation-too-large']);
    const held = await reserve(900, 600);
    expect(held.status).toBe(201);
    const refused = await reserve(101, 600);
    expect(problem(refused)).toEqual([409, 'reservation-too-large']);
    expect(refused.body).toMatchObject({
      unitSecondsMax: 600_000,
      unitSecondsOpen: 540_000,
      unitSecondsAsked: 60_600,
    });
    await of(`/reservations/${String(held.body?.['reservationId'])}/release`, hoarder);
    expect((await reserve(101, 600)).status).toBe(201);
  });

  it('names every short line and every unknown product', async () => {
    const [some, none] = [`short-${api}`, `none-${api}`];
    await stocked(some, 2);
    await stocked(none, 0);
    const short = await of('/reservations', {
      lines: [some, none, 'no-such-product'].map((productId) => ({ productId, quantity: 3 })),
    });
    expect(problem(short)).toEqual([409, 'stock-short']);
    expect(short.body).toMatchObject({
      short: [
        { productId: some, asked: 3, available: 2 },
        { productId: none, asked: 3, available: 0 },
      ],
      unknownProducts: ['no-such-product'],
    });
    const unknown = await of('/reservations', { lines: [{ productId: 'no-such-product', quantity: 1 }] });
    expect(problem(unknown)).toEqual([404, 'product-unknown']);
    const nobody = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
    expect(problem(await of(`/orders/${nobody}/fulfil`))).toEqual([404, 'order-unknown']);
  });

  it('gives a repeat the first answer, also a refusal, and rejects another body under the key', async () => {
    const productId = `repeat-${api}`;
    await stocked(productId, 1);
    const ask = (quantity: number, key: string) =>
      system[api].post(
        '/reservations',
        { customerId, lines: [{ productId, quantity }] },
        { 'idempotency-key': `${productId}-${key}`, prefer: 'wait=20' },
      );
    const [first, refused] = [await ask(1, 'a'), await ask(1, 'b')];
    expect([first.status, refused.status]).toEqual([201, 409]);
    await of(`/reservations/${String(first.body?.['reservationId'])}/release`);
    const [again, still, other] = [await ask(1, 'a'), await ask(1, 'b'), await ask(2, 'a')];
    expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([201, first.body, 'true']);
    expect([still.status, still.body?.['short']]).toEqual([409, refused.body?.['short']]);
    expect(problem(other)).toEqual([422, 'key-conflict']);
    const outcome = await system.read.found(`/commands/${String(first.body?.['reservationId'])}`);
    expect(outcome.body).toMatchObject({ kind: 'reservation.create', status: 'done', result: first.body });
  });

  it('expires by itself and reports it', async () => {
    const productId = `due-${api}`;
    await stocked(productId, 1);
    const held = await of('/reservations', { lines: [{ productId, quantity: 1 }], ttlSeconds: 1 });
    expect(held.status).toBe(201);
    const reservationId = String(held.body?.['reservationId']);
    await eventually(
      'nobody holds the unit any more',
      async () => {
        const [level] = await system.sql('SELECT reserved FROM eco.stock_level WHERE product_id = $1', [productId]);
        return level?.['reserved'] === '0';
      },
      { deadlineMs: 60_000 },
    );
    expect(problem(await of(`/reservations/${reservationId}/confirm`))).toEqual([409, 'reservation-over']);
    const [change] = await system.sql(
      `SELECT c.type, c.data FROM eco.change c WHERE c.topic = 'orders' AND c.data ->> 'reservationId' = $1
       ORDER BY c.seq DESC LIMIT 1`,
      [reservationId],
    );
    expect(change).toMatchObject({ type: 'reservation.expired', data: { customerId, status: 'expired' } });
  });
});

it('an order can be cancelled, even before it arrives', async () => {
  const productId = 'cancelled';
  await stocked(productId, 4);
  const body = { customerId: 'sara', lines: [{ productId, quantity: 4 }] };
  const order = await system.central.post('/orders', body, keyed());
  const orderId = String(order.body?.['orderId']);
  const cancelled = await system.central.post(`/orders/${orderId}/cancel`, { customerId: 'sara' }, keyed());
  expect([cancelled.status, cancelled.body]).toMatchObject([200, { status: 'cancelled', lines: body.lines }]);
  expect(await levels(productId, cancelled)).toMatchObject([{ onHand: 4, reserved: 0 }]);

  // The key determines the id, so the order can be cancelled before it arrives.
  const late = { 'idempotency-key': 'sara-late', prefer: 'wait=20' };
  const idKey = usualIdKey('/orders', system.tokens);
  const lateId = orderIdFor({ idKey, customerId: 'sara', idempotencyKey: late['idempotency-key'] });
  const early = await system.central.post(`/orders/${lateId}/cancel`, { customerId: 'sara' }, keyed());
  expect([early.status, early.body]).toEqual([200, { orderId: lateId, status: 'cancelled', lines: [] }]);
  expect(problem(await system.central.post('/orders', body, late))).toEqual([409, 'order-cancelled']);
  expect(problem(await system.read.get(`/orders/${lateId}`))).toEqual([404, 'order-unknown']);
});

it('stock is received, adjusted, counted and moved at the head office', async () => {
  const productId = 'moved';
  await stocked(productId, 10);
  const at = (what: string, body: object) => system.central.post(`/inventory/${productId}/${what}`, body, keyed());
  expect((await at('receipts', { quantity: 5 })).body).toMatchObject({ location: 'central', onHand: 15 });
  expect((await at('adjustments', { delta: -3, reason: 'broken' })).body).toMatchObject({ onHand: 12 });
  const tooMuch = await at('adjustments', { delta: -13, reason: 'broken' });
  expect(problem(tooMuch)).toEqual([409, 'stock-short']);
  const stale = await at('counts', { expected: 15, counted: 11 });
  expect([...problem(stale), stale.body?.['onHand']]).toEqual([409, 'stock-count-stale', 12]);
  expect((await at('counts', { expected: 12, counted: 11 })).body).toMatchObject({ delta: -1, onHand: 11 });
  expect(problem(await at('receipts', { quantity: 1, location: 'nowhere' }))).toEqual([404, 'location-unknown']);

  const way = { productId, from: 'central', to: 'sucursal-1', quantity: 4 };
  const sent = await system.central.post('/transfers', way, keyed());
  expect([sent.status, sent.body]).toMatchObject([201, { status: 'in-transit', onHand: 7 }]);
  const transferId = String(sent.body?.['transferId']);
  const cashier = await system.callers.as({ id: 'till', role: 'cashier', branchId: 'sucursal-1' });
  const received = await eventually('the branch knows of the transfer', async () => {
    const said = await system.sucursal.post(
      `/transfers/${transferId}/receive`,
      { productId },
      { ...keyed(), ...cashier },
    );
    return said.status === 200 && said;
  });
  expect(received.body).toEqual({ transferId, productId, quantity: 4 });
  const seen = await eventually('the head office knows of the arrival', async () => {
    const said = await system.read.found(`/transfers/${transferId}`);
    return said.body?.['status'] === 'arrived' && said;
  });
  expect(seen.body).toMatchObject({ quantity: 4 });
  expect(await levels(productId, seen)).toMatchObject([
    { location: 'central', onHand: 7 },
    { location: 'sucursal-1', onHand: 4 },
  ]);
  const again = await system.central.post(`/transfers/${transferId}/receive`, { productId }, keyed());
  expect(problem(again)).toEqual([409, 'transfer-arrived']);
});

it('a lost transfer is written off with a reason, and its units are a loss at its destination', async () => {
  const productId = 'lost';
  await stocked(productId, 5);
  const way = { productId, from: 'central', to: 'sucursal-1', quantity: 2 };
  const sent = await system.central.post('/transfers', way, keyed());
  const transferId = String(sent.body?.['transferId']);
  const reason = 'stolen on the way';
  const writtenOff = await system.central.post(`/transfers/${transferId}/write-off`, { productId, reason }, keyed());
  expect([writtenOff.status, writtenOff.body]).toMatchObject([200, { status: 'written-off', quantity: 2, reason }]);
  expect(await levels(productId, writtenOff)).toMatchObject([
    { location: 'central', onHand: 3 },
    { location: 'sucursal-1', onHand: 0 },
  ]);
  const seen = await system.read.found(`/transfers/${transferId}`, {
    'ecomarket-position': writtenOff.headers.get('ecomarket-position') ?? '',
  });
  expect(seen.body).toMatchObject({ status: 'written-off', arrivedAt: null, reason });
  const late = await system.central.post(`/transfers/${transferId}/receive`, { productId }, keyed());
  expect(problem(late)).toEqual([409, 'transfer-written-off']);
});
