import { Metrics } from '@eco/observability';
import { hash12 } from '@eco/routing';
import { commandOf, eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/** Any message may arrive twice, and the writer may end at any moment; every command has one effect. */
let system: System;
beforeAll(async () => (system = await openSystem()));

const roleOf = async ({ name, operators }: System['writers'][number]) => {
  const metrics = await operators.get('/metrics').catch(() => undefined);
  const leads = new Metrics(metrics?.text ?? '').value('eco_writer_leader');
  return { name, role: leads === undefined ? 'away' : leads === 1 ? 'active' : 'standby' };
};

async function active(): Promise<string> {
  return eventually('a shard-writer is active', async () => {
    const roles = await Promise.all(system.writers.map(roleOf));
    return roles.find(({ role }) => role === 'active')?.name;
  });
}

it('gives a message that arrives five times one effect', async () => {
  await system.central.post('/products', { productId: 'five-times', name: 'P', priceCents: 1, stock: 50 });
  const hash = hash12('hugo').toString(16).padStart(3, '0');
  const id = `0198c5b2-7a31-7${hash}-9d20-5f1c2b3a4d77`;
  const lines = [{ productId: 'five-times', quantity: 7 }];
  const command = commandOf('order.place', { orderId: id, customerId: 'hugo', branchId: null, lines });
  const message = JSON.stringify({ version: 1, commands: [command, command] });
  for (let times = 0; times < 5; times++) await system.putOnQueue('orders.g1', message);
  await system.read.found(`/orders/${id}`);
  const last = await system.central.post(
    '/orders',
    { customerId: 'hugo', lines: [{ productId: 'five-times', quantity: 1 }] },
    { prefer: 'wait=30' },
  );
  expect(last.status).toBe(201);
  const [level] = await system.sql('SELECT reserved FROM eco.stock_level WHERE product_id = $1', ['five-times']);
  expect(level).toEqual({ reserved: '8' });
});

it("gives a client's key one effect, at Central and then at a branch, and vice versa", async () => {
  await system.central.post('/products', { productId: 'one-key', name: 'P', priceCents: 1, stock: 50 });
  const order = { customerId: 'ines', lines: [{ productId: 'one-key', quantity: 2 }] };
  const apis = [
    { api: system.central, branchId: null },
    { api: system.sucursal, branchId: 'sucursal-1' },
  ];
  for (const [index, { api, branchId }] of apis.entries()) {
    const other = apis[1 - index]?.api ?? system.central;
    const keyed = { prefer: 'wait=30', 'idempotency-key': `one-key-${index}` };
    const first = await api.post('/orders', order, keyed);
    const repeated = await other.post('/orders', order, keyed);
    expect([first.status, repeated.status, repeated.body]).toEqual([201, 201, first.body]);
    expect(repeated.headers.get('idempotent-replayed')).toBe('true');
    const read = await system.central.get(`/orders/${String(first.body?.['orderId'])}`, {
      'ecomarket-position': repeated.headers.get('ecomarket-position') ?? '',
    });
    expect(read.body).toMatchObject({ branchId });
    const another = await other.post('/orders', { ...order, lines: [{ productId: 'one-key', quantity: 3 }] }, keyed);
    expect(another).toMatchObject({ status: 422, body: { type: 'urn:ecomarket:problem:key-conflict' } });

    // Other commands work alike: a customer who is registered without an id gets the same id at both APIs.
    const ana = { name: 'Ines', email: 'ines@example.com' };
    const registered = await api.post('/customers', ana, keyed);
    expect((await other.post('/customers', ana, keyed)).body).toEqual(registered.body);
  }
  const [level] = await system.sql('SELECT reserved FROM eco.stock_level WHERE product_id = $1', ['one-key']);
  expect(level).toEqual({ reserved: '4' });
});

it('gives one key of two principals two effects, and each of them its own outcome again', async () => {
  await system.central.post('/products', { productId: 'two-principals', name: 'P', priceCents: 1, stock: 50 });
  const order = { customerId: 'inés', lines: [{ productId: 'two-principals', quantity: 2 }] };
  const as = async (id: string) => ({
    ...(await system.callers.as({ id, role: 'manager' })),
    ...{ prefer: 'wait=30', 'idempotency-key': 'two-principals' },
  });
  const [mia, noa] = [await as('mia'), await as('noa')];
  const ofMia = await system.central.post('/orders', order, mia);
  const ofNoa = await system.central.post('/orders', order, noa);
  expect([ofMia.status, ofNoa.status, ofNoa.headers.get('idempotent-replayed')]).toEqual([201, 201, null]);
  expect(ofNoa.body?.['orderId']).not.toBe(ofMia.body?.['orderId']);
  for (const [headers, first] of [
    [mia, ofMia],
    [noa, ofNoa],
  ] as const) {
    const repeated = await system.sucursal.post('/orders', order, headers);
    expect([repeated.body, repeated.headers.get('idempotent-replayed')]).toEqual([first.body, 'true']);
  }
});

it('loses and doubles nothing when the active writer is killed under load', async () => {
  await system.central.post('/products', { productId: 'killed', name: 'P', priceCents: 1, stock: 100_000 });
  const first = await active();
  const accepted: string[] = [];
  let stop = false;
  const callers = Array.from({ length: 8 }, async (_, caller) => {
    for (let index = 0; !stop; index++) {
      const said = await system.central.post('/orders', {
        customerId: `iris-${caller}`,
        lines: [{ productId: 'killed', quantity: 1 }],
      });
      expect(said.status).toBe(202);
      accepted.push(String(said.body?.['orderId']));
      if (index > 2000) stop = true;
    }
  });
  await eventually('orders flow', () => accepted.length > 100);
  process.kill(system.pidOf(first), 'SIGKILL');
  const second = await active();
  const before = accepted.length;
  await eventually('orders flow after the takeover', () => accepted.length > before + 100);
  stop = true;
  await Promise.all(callers);

  await eventually('every accepted order is decided', async () => {
    const [row] = await system.sql<{ count: string }>(
      'SELECT count(*) FROM eco.orders WHERE order_id = ANY ($1::uuid[])',
      [accepted],
    );
    return Number(row?.count) === accepted.length;
  });
  const [movements] = await system.sql<{ movements: string; orders: string; units: string }>(
    `SELECT count(*) AS movements, count(DISTINCT command_id) AS orders, sum(reserved_delta) AS units
     FROM eco.movement WHERE product_id = 'killed' AND movement = 'reserved'`,
  );
  const count = String(accepted.length);
  expect(movements).toEqual({ movements: count, orders: count, units: count });
  expect(second).toBeDefined();
  // The killed writer is restarted and becomes standby.
  await eventually('the killed writer stands by', async () => {
    const roles = await Promise.all(system.writers.map(roleOf));
    return (
      roles
        .map(({ role }) => role)
        .sort()
        .join() === 'active,standby'
    );
  });
});
