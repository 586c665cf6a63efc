import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { eventually } from '@eco/testing';
import { startSecond } from './system/second-service.js';
import { codeOf, signUp } from './system/sign-up.js';
import { openSystem, type System } from './system/system.js';

/**
 * A customer registered anywhere reaches three consumers. Each may be down, or lose its queue, without affecting the
 * others and without missing anything.
 */
let system: System;
beforeAll(async () => (system = await openSystem()));

const today = () => new Date().toISOString().slice(0, 10);
const itemsOf = (body: Record<string, unknown> | undefined) => (body?.['items'] ?? []) as Record<string, unknown>[];

async function register(api: 'central' | 'sucursal', name: string): Promise<string> {
  const said = await system[api].post('/customers', { name, email: `${name}@example.com` });
  expect(said.status).toBe(202);
  return String(said.body?.['customerId']);
}

async function customersOfCentral(): Promise<unknown[]> {
  const items: Record<string, unknown>[] = [];
  let after = '';
  for (;;) {
    const { body } = await system.central.get(`/customers?limit=1000${after}`);
    items.push(...itemsOf(body));
    if (typeof body?.['next'] !== 'string') return items.map(({ customerId }) => customerId);
    after = `&after=${encodeURIComponent(body['next'])}`;
  }
}

let positions = 0;

/**
 * Headers of a read that waits for the consumers. They have then applied everything that was decided by now, also for
 * other files of the run.
 */
async function allDecidedByNow(): Promise<Record<string, string>> {
  const product = { productId: `position-${(positions += 1)}`, name: 'P', priceCents: 1 };
  const said = await system.central.post('/products', product, { prefer: 'wait=30' });
  expect(said.status).toBe(201);
  return { 'ecomarket-position': said.headers.get('ecomarket-position') ?? '', prefer: 'wait=30' };
}

async function registrationsToday(headers: Record<string, string> = {}): Promise<number> {
  const { status, body } = await system.central.get(`/statistics/daily?from=${today()}&to=${today()}`, headers);
  expect(status).toBe(200);
  return itemsOf(body).reduce((sum, { registrations }) => sum + Number(registrations), 0);
}

async function notified(): Promise<Record<string, unknown>[]> {
  const { body } = await system.central.get('/notifications?limit=1000');
  return itemsOf(body);
}

const everywhere = async (ids: string[], registrations: number) => {
  await eventually("all are in Central's table", async () => {
    const known = new Set(await customersOfCentral());
    return ids.every((id) => known.has(id));
  });
  await eventually(
    `${registrations} registrations are counted`,
    async () => (await registrationsToday()) === registrations,
  );
};

/** The connection over which a consumer receives events: the queue belongs to it and is deleted with it. */
const connectionOf = (consumer: string) =>
  eventually(`a connection of the events of ${consumer}`, async () => {
    const open = await system.management('GET', '/vhosts/ecomarket/connections');
    const listed = open as { name: string; client_properties?: { connection_name?: string } }[];
    return listed.find((each) => each.client_properties?.connection_name === `events of ${consumer}`)?.name;
  });

it('a customer of Central and one of a branch reach all three consumers, once each', async () => {
  const before = await registrationsToday(await allDecidedByNow());
  const ids = [await signUp(system, { name: 'lia', email: 'lia@example.com' }), await register('sucursal', 'mar')];
  await everywhere(ids, before + 2);
  const read = await system.central.found(`/customers/${ids[1]}`);
  expect(read.body).toMatchObject({ name: 'mar', branchId: 'sucursal-1' });
  // This read may come from another node, which may be behind the one before.
  await eventually('the one with a confirmed address is noted once', async () => {
    expect((await notified()).filter(({ customerId }) => ids.includes(String(customerId)))).toEqual([
      expect.objectContaining({ kind: 'welcome', state: 'unsent', email: 'l***@example.com' }),
    ]);
    return true;
  });
});

it('Central and a branch list the same customers', async () => {
  const id = await register('central', 'pia');
  await eventually('both list the new one', async () => {
    const at = encodeURIComponent(`${id.slice(0, -1)}`);
    const lists = await Promise.all(
      [system.central, system.sucursal].map(async (api) => {
        const { body } = await api.get(`/customers?limit=1&after=${at}`);
        return itemsOf(body);
      }),
    );
    expect(lists[0]).toMatchObject([{ customerId: id, name: 'pia' }]);
    expect(lists[1]).toEqual(lists[0]);
    return true;
  });
});

it('an address gets one welcome, however many customers have it, and none before it is confirmed', async () => {
  const email = 'una.vez@example.com';
  const codes = [await codeOf(system, email), await codeOf(system, email.toUpperCase())];
  const unconfirmed = await system.sucursal.post('/customers', { name: 'una', email: 'sin.confirmar@example.com' });
  expect(unconfirmed.status).toBe(202);
  const before = await registrationsToday(await allDecidedByNow());
  const said = [];
  for (const code of codes) {
    const body = { code, name: 'una', password: 'a long enough password' };
    said.push((await system.central.post('/auth/sign-up/confirm', body, { authorization: '' })).status);
  }
  // The address has an account after the first. The second customer was registered before that was known.
  expect(said).toEqual([201, 409]);
  await eventually('both are counted', async () => (await registrationsToday()) === before + 2);
  const later = await signUp(system, { name: 'despues', email: 'despues@example.com' });
  await eventually('a later one is noted', async () =>
    (await notified()).some(({ customerId }) => customerId === later),
  );
  const addresses = await system.sql<{ email: string }>(
    `SELECT n.email FROM notifications.notification n WHERE n.email ILIKE $1 OR n.email ILIKE 'sin.confirmar%'`,
    [email],
    { role: 'postgres' },
  );
  expect(addresses).toEqual([{ email }]);
});

it('sales are counted by day and branch', async () => {
  await system.central.post('/products', { productId: 'counted', name: 'P', priceCents: 1000, stock: 10 });
  const salesOf = async (headers: Record<string, string> = {}) => {
    const { status, body } = await system.central.get('/statistics/daily', headers);
    expect(status).toBe(200);
    return itemsOf(body).find(({ day, branchId }) => day === today() && branchId === 'sucursal-1') ?? {};
  };
  const before = await salesOf(await allDecidedByNow());
  const number = (value: unknown) => Number(value ?? 0);
  const order = await system.sucursal.post(
    '/orders',
    { customerId: 'noe', lines: [{ productId: 'counted', quantity: 3 }] },
    { prefer: 'wait=30' },
  );
  expect(order.status).toBe(201);
  await eventually('the sale is counted', async () => {
    const after = await salesOf();
    return (
      number(after['sales']) === number(before['sales']) + 1 &&
      number(after['units']) === number(before['units']) + 3 &&
      number(after['revenueCents']) === number(before['revenueCents']) + 3000
    );
  });
});

it('sales are net: cancelled and returned orders are no sales, in each grouping and day by day', async () => {
  await system.central.post('/products', { productId: 'undone', name: 'P', priceCents: 1000, stock: 50 });
  const wait = { prefer: 'wait=30' };
  const place = async (customerId: string, quantity: number) => {
    const order = await system.central.post(
      '/orders',
      { customerId, lines: [{ productId: 'undone', quantity }] },
      wait,
    );
    expect(order.status).toBe(201);
    return { path: `/orders/${String(order.body?.['orderId'])}`, customerId };
  };
  let keys = 0;
  const keyed = () => ({ ...wait, 'idempotency-key': `undone-${(keys += 1)}` });
  const figures = {
    sales: 2,
    units: 8,
    revenueCents: 8000,
    gross: { orders: 9, units: 20, revenueCents: 20_000 },
    cancelled: { orders: 6, units: 8, revenueCents: 8000 },
    returned: { orders: 1, units: 4, revenueCents: 4000 },
  };
  const sold = async (by: string) => {
    const { body } = await system.central.get(`/statistics/sales?productId=undone&by=${by}`);
    expect(body).toMatchObject({ timeZone: 'UTC' });
    // The day may change during this test.
    const rows = itemsOf(body) as unknown as (typeof figures)[];
    const sum = (of: (row: typeof figures) => number) => rows.reduce((total, row) => total + of(row), 0);
    const partOf = (part: 'gross' | 'cancelled' | 'returned') => ({
      orders: sum((row) => row[part].orders),
      units: sum((row) => row[part].units),
      revenueCents: sum((row) => row[part].revenueCents),
    });
    return {
      sales: sum((row) => row.sales),
      units: sum((row) => row.units),
      revenueCents: sum((row) => row.revenueCents),
      gross: partOf('gross'),
      cancelled: partOf('cancelled'),
      returned: partOf('returned'),
    };
  };
  // Six orders of eight units, all cancelled: they are no sales.
  for (const [n, quantity] of [1, 1, 1, 1, 2, 2].entries()) {
    const { path, customerId } = await place(`undone-${n}`, quantity);
    expect((await system.central.post(`${path}/cancel`, { customerId }, keyed())).status).toBe(200);
  }
  // One order is returned completely, one by a single unit, and one stays.
  for (const [quantity, back] of [
    [3, 3],
    [4, 1],
    [5, 0],
  ] as const) {
    const { path, customerId } = await place(`kept-${quantity}`, quantity);
    expect((await system.central.post(`${path}/fulfil`, { customerId }, keyed())).status).toBe(200);
    if (back === 0) continue;
    const lines = [{ productId: 'undone', quantity: back }];
    expect((await system.central.post(`${path}/returns`, { customerId, lines }, keyed())).status).toBe(200);
  }
  // Orders are counted one after the other, and each read may use another node, so this waits.
  for (const by of ['day', 'branch', 'product', 'day,branch,product']) {
    await eventually(`the sales by ${by}`, async () => {
      expect(await sold(by)).toEqual(figures);
      return true;
    });
  }
  type Part = { units: number };
  await eventually('the days are net too', async () => {
    const { body } = await system.central.get('/statistics/daily');
    const days = itemsOf(body) as unknown as ({ units: number } & Record<'gross' | 'cancelled' | 'returned', Part>)[];
    for (const { units, gross, cancelled, returned } of days)
      expect(units).toBe(gross.units - cancelled.units - returned.units);
    expect(days.reduce((total, { cancelled }) => total + cancelled.units, 0)).toBeGreaterThanOrEqual(8);
    return true;
  });
});

it('a consumer whose queue is lost with its connection misses nothing, and the others are not affected', async () => {
  const before = await registrationsToday(await allDecidedByNow());
  const lost = await connectionOf('customers');
  await system.management('DELETE', `/connections/${encodeURIComponent(lost)}`);
  const ids: string[] = [];
  for (const name of ['olga', 'pia', 'rita', 'rosa', 'saul']) ids.push(await register('central', name));
  // Customers arrive in order, so none is missing once the last one is there.
  const known = await eventually("the last is in Central's table", async () => {
    const all = await customersOfCentral();
    return all.includes(ids.at(-1)) && all;
  });
  expect(known).toEqual(expect.arrayContaining(ids));
  await everywhere(ids, before + ids.length);
  await eventually('it receives again', async () => (await connectionOf('customers')) !== lost);
});

it('consumers that were down catch up, and one with a mail server sends unsent mails once', async () => {
  const mails: { to: string; text: string }[] = [];
  let refuse = true;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onRcptTo(_address, _session, callback) {
      if (refuse) return callback(Object.assign(new Error('try again later'), { responseCode: 451 }));
      callback();
    },
    onData(stream, session, callback) {
      let text = '';
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
      stream.on('end', () => {
        mails.push(...session.envelope.rcptTo.map(({ address: to }) => ({ to, text })));
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.server.address() as AddressInfo;
  await system.sql(
    `INSERT INTO notifications.notification (id, customer_id, kind, email, state, created_at, sent_at, next_try_at)
     SELECT gen_random_uuid(), 'long-ago', 'welcome', s || '@example.com', s, t, CASE s WHEN 'sent' THEN t END, now() + interval '1 day'
     FROM unnest(ARRAY['sent', 'failing']) s, (SELECT now() - interval '91 days' AS t) t`,
    [],
    { role: 'postgres' },
  );
  const second = await startSecond(system, 'central-api', {
    ECO_CONSUMERS: 'notifications',
    ECO_SMTP_URL: `smtp://127.0.0.1:${port}`,
  });
  try {
    const id = await signUp(system, { name: 'Quim Roca', email: 'quim@example.com' });
    const stateOf = async () => (await notified()).find(({ customerId }) => customerId === id);
    const failing = await eventually('the first try failed and is kept', async () => {
      const seen = await stateOf();
      return seen?.['state'] === 'failing' && seen;
    });
    expect(failing['lastError']).toContain('try again later');
    refuse = false;
    const sent = await eventually('it is sent at a later try', async () => {
      const seen = await stateOf();
      return seen?.['state'] === 'sent' && seen;
    });
    expect(sent['tries']).toBeGreaterThan(1);
    const welcomes = mails.filter(({ to, text }) => to === 'quim@example.com' && text.includes('Welcome'));
    expect(welcomes).toHaveLength(1);
    // Neither the customer, nor who registered it, can send a text to anybody.
    for (const { text } of mails) expect(text).not.toMatch(/Roca/);
    for (const { text } of welcomes) expect(text).not.toContain(id);
    const ofLongAgo = async () => (await notified()).filter(({ customerId }) => customerId === 'long-ago');
    const left = await eventually('what was sent 91 days ago is removed', async () => {
      const seen = await ofLongAgo();
      return seen.length === 1 && seen;
    });
    expect(left).toMatchObject([{ state: 'failing' }]);
  } finally {
    await second.stop();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});
