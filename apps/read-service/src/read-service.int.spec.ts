import { randomBytes, randomUUID } from 'node:crypto';
import { createBranchKey, OwnToken, publicKeyOf, type BranchKey } from '@eco/access';
import {
  changeData,
  headers,
  keyOf as keyOfCommand,
  orderSchema,
  type Change,
  type CommandKind,
  type CommandOf,
} from '@eco/contracts';
import {
  bucketOf,
  BUCKETS_DEFAULT,
  evenPlacement,
  formatPosition,
  groupOf,
  newOrderId,
  positionOf,
} from '@eco/routing';
import {
  BatchWriter,
  Callers,
  commandOf,
  eventually,
  specTokens,
  startDatabaseGroups,
  type DatabaseGroup,
  type WrittenBatch,
} from '@eco/testing';
import { clientSettings, tracingSettings, readConfig, type Service } from '@eco/service';
import { READ_DEFAULTS } from '@eco/reads';
import { bodyHash } from '@eco/domain';
import { startReadService } from './read-service.js';

/*
 * The queries over HTTP, on two groups, so that nothing relies on a single one. The data was written by batches, as the
 * writer writes them.
 */

const GROUP_IDS = ['g1', 'g2'];
const placement = evenPlacement(BUCKETS_DEFAULT, GROUP_IDS);
const groupOfKey = (key: string) => groupOf(placement, bucketOf(key, BUCKETS_DEFAULT));

/** The first of the keys `<prefix>-<n>`, with n from `from` on, that belongs to this group. */
function keyOf(group: string, prefix: string, from = 0): string {
  for (let n = from; ; n += 1) if (groupOfKey(`${prefix}-${n}`) === group) return `${prefix}-${n}`;
}

let groups: DatabaseGroup[] = [];
let writers: Map<string, BatchWriter>;
let service: Service;
let branchKeys: BranchKey[];

beforeAll(async () => {
  groups = await startDatabaseGroups(GROUP_IDS.map((id) => ({ id, replicas: 0 })));
  writers = new Map(await Promise.all(groups.map(async (each) => [each.id, await BatchWriter.open(each)] as const)));
  branchKeys = await Promise.all(['sucursal-1', 'sucursal-2'].map(createBranchKey));
  const tokens = { ...(await specTokens), branchKeys: branchKeys.map(publicKeyOf) };
  service = await startReadService({
    name: 'read-service',
    host: '127.0.0.1',
    port: 0,
    operatorsHost: '127.0.0.1',
    operatorsPort: 0,
    ...readConfig({ ...clientSettings, ...tracingSettings }, {}),
    logLevel: 'silent',
    groups: groups.map(nodesOf) as [Nodes, ...Nodes[]],
    secrets: {
      database: {
        eco_reader: passwordOf('eco_reader'),
        eco_monitor: passwordOf('eco_monitor'),
        eco_pins: passwordOf('eco_pins'),
      },
      tokens,
      readTokens: () => tokens,
    },
    tokenGraceHours: 0,
    ...READ_DEFAULTS,
  });
}, 120_000);
afterAll(async () => {
  await service?.stop();
  for (const writer of writers?.values() ?? []) await writer.close();
  await groups[0]?.stop();
});

const passwordOf = (role: 'eco_reader' | 'eco_monitor' | 'eco_pins') => groups[0]?.login(role).password ?? '';

type Nodes = ReturnType<typeof nodesOf>;
function nodesOf({ id, servers }: DatabaseGroup) {
  return { id, nodes: servers.map(({ host, port }) => ({ host, port })) };
}

const callers = new Callers(() => specTokens);

type Json = Record<string, unknown>;
interface Got<T> {
  status: number;
  headers: Headers;
  body: T;
}

async function get<T = Json>(path: string, sent: Record<string, string> = {}): Promise<Got<T>> {
  const answer = await fetch(`${service.url}${path}`, { headers: { ...(await callers.usual(path)), ...sent } });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T };
}

/** Searches for customers with an e-mail address. */
async function find(email: string, query = '') {
  const path = `/customers/search${query}`;
  const answer = await fetch(service.url + path, {
    method: 'POST',
    headers: { ...(await callers.usual(path)), 'Content-Type': 'application/json' },
    body: JSON.stringify({ email }),
  });
  return { status: answer.status, body: (await answer.json()) as { items: Json[]; faults?: { at: string }[] } };
}

async function getCsv(path: string): Promise<Response> {
  return fetch(`${service.url}${path}`, { headers: { ...(await callers.usual(path)), Accept: 'text/csv' } });
}

/** Writes one batch in the group that owns the first command's key, and confirms it. */
async function write(...commands: CommandOf<CommandKind>[]): Promise<WrittenBatch> {
  const [command] = commands as [CommandOf<CommandKind>];
  const writer = writers.get(groupOfKey(keyOfCommand(command))) as BatchWriter;
  const written = await writer.write(...commands);
  await writer.confirm();
  return written;
}

const textOf = ({ position }: WrittenBatch) => formatPosition(positionOf([position]));

const product = (productId: string, priceCents = 100, stock = 10) =>
  commandOf('product.create', { productId, name: `Name of ${productId}`, priceCents, stock });

function order(customerId: string, lines: { productId: string; quantity: number }[], branchId: string | null = null) {
  const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  return commandOf('order.place', { orderId, customerId, branchId, lines });
}

it('an order: confirmed with its prices, or rejected with every short line, each answer with its source', async () => {
  const customerId = keyOf('g2', 'ana');
  const [rich, poor] = [keyOf('g2', 'rich'), keyOf('g2', 'poor')];
  await write(product(rich, 250, 10), product(poor, 100, 1));
  const confirmed = order(customerId, [{ productId: rich, quantity: 2 }], 'sucursal-1');
  const rejected = order(customerId, [
    { productId: rich, quantity: 100 },
    { productId: poor, quantity: 2 },
  ]);
  const written = await write(confirmed, rejected);

  const got = await get(`/orders/${confirmed.id}`, { [headers.position]: textOf(written) });
  expect(got.status).toBe(200);
  expect(got.body).toMatchObject({
    orderId: confirmed.id,
    customerId,
    branchId: 'sucursal-1',
    status: 'confirmed',
    lines: [{ productId: rich, quantity: 2, unitPriceCents: 250 }],
    totalCents: 500,
    short: [],
    unknownProducts: [],
  });
  expect(got.headers.get(headers.source)).toBe('g2-1 (primary)');
  expect(got.headers.get(headers.lagMs)).toBe('0');
  expect(got.headers.get(headers.position)).toBe(textOf(written));

  // The same id in capitals finds the same order.
  expect((await get(`/orders/${confirmed.id.toUpperCase()}`)).body).toEqual(got.body);
  expect((await get(`/orders/${rejected.id}`)).body).toMatchObject({
    status: 'rejected',
    short: [
      { productId: rich, asked: 100, available: 8 },
      { productId: poor, asked: 2, available: 1 },
    ],
  });
});

it('an unknown order: 404; an accepted one: pending, then the order, then visible to every reader', async () => {
  const customerId = keyOf('g1', 'eva');
  const productId = keyOf('g1', 'tea');
  await write(product(productId));
  const placed = order(customerId, [{ productId, quantity: 1 }]);
  const brought = { [headers.position]: `order/${placed.id}` };

  const unknown = await get(`/orders/${placed.id}`);
  expect(unknown).toMatchObject({ status: 404, body: { type: 'urn:ecomarket:problem:order-unknown' } });
  expect(unknown.headers.get(headers.source)).toBe('g1-1 (primary)');

  const pending = await get(`/orders/${placed.id}`, brought);
  expect(pending).toMatchObject({ status: 202, body: { orderId: placed.id, status: 'pending' } });
  expect(pending.headers.get('retry-after')).toBe('1');
  // A reader with the position of that answer gets the order as pending again.
  const carried = { [headers.position]: pending.headers.get(headers.position) ?? '' };
  expect((await get(`/orders/${placed.id}`, carried)).status).toBe(202);
  expect((await get(`/orders?customerId=${customerId}`, brought)).body).toEqual({
    items: [],
    next: null,
    pending: [placed.id],
  });
  // The pending order does not appear in another customer's list.
  expect((await get(`/orders?customerId=${keyOf('g1', 'eve')}`, brought)).body).toMatchObject({ pending: [] });

  // A client that waits gets the order as soon as it is stored.
  const waiting = get(`/orders/${placed.id}`, { ...brought, [headers.prefer]: 'wait=20' });
  await write(placed);
  expect(await waiting).toMatchObject({ status: 200, body: { status: 'confirmed' } });
  expect((await get(`/orders?customerId=${customerId}`, brought)).body).toMatchObject({
    items: [{ orderId: placed.id }],
    pending: [],
  });
});

it('an accepted command that made no order is no longer pending', async () => {
  const customerId = keyOf('g1', 'ida');
  const checkOut = (orderId: string) => commandOf('cart.checkout', { orderId, customerId, branchId: null });
  const refused = checkOut(newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) }));
  await write(refused);
  const got = await get(`/orders/${refused.id}`, { [headers.position]: `order/${refused.id}` });
  expect(got).toMatchObject({ status: 404, body: { detail: expect.stringContaining('cart-empty') as string } });

  const deadLettered = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  await groups[0]?.asSuperuser(
    `INSERT INTO eco.dead_letter (command_id, body_hash, seq, first_failed_at, bucket, error_class, reason, command)
     VALUES ($1, '\\x00', 1, '2026-11-24T12:00:00Z', 0, 'invalid', 'it has no lines', '{}')`,
    [deadLettered],
  );
  const letter = await get(`/orders/${deadLettered}`, { [headers.position]: `order/${deadLettered}` });
  expect(letter).toMatchObject({ status: 404, body: { detail: expect.stringContaining('it has no lines') as string } });
  expect((await get(`/commands/${deadLettered}`)).body).toEqual({
    commandId: deadLettered,
    status: 'dead-letter',
    reason: 'it has no lines',
    since: '2026-11-24T12:00:00.000Z',
  });
});

it('a pending order: a tombstone of another branch than the reader’s leaves it pending', async () => {
  const orderId = newOrderId({ customerId: keyOf('g1', 'noa'), nowMs: Date.now(), random: randomBytes(10) });
  const leave = (author: string) =>
    groups[0]?.asSuperuser(
      `INSERT INTO eco.tombstone (command_id, author, seq, bucket, reason, at)
       VALUES ($1, $2, 1, 0, 'order-cancelled', '2026-11-24T12:00:00Z')`,
      [orderId, author],
    );
  const shown = async () => {
    const position = { [headers.position]: `order/${orderId}` };
    const as = (branchId: string) => callers.as({ id: branchId, role: 'cashier', branchId });
    const branches = await Promise.all(['b-1', 'b-2'].map(as));
    const asked = [{}, ...branches].map((each) => get(`/orders/${orderId}`, { ...position, ...each }));
    return (await Promise.all(asked)).map(({ status }) => status);
  };
  await leave('b-1');
  expect(await shown()).toEqual([202, 404, 202]);
  await leave('central');
  expect(await shown()).toEqual([404, 404, 404]);
});

it("a customer's orders: newest first, page by page, and an order that comes between two pages disturbs neither", async () => {
  const customerId = keyOf('g2', 'bea ü/%');
  const productId = keyOf('g2', 'milk');
  await write(product(productId, 100, 1000));
  const placed: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    const next = order(customerId, [{ productId, quantity: n + 1 }]);
    placed.unshift(next.id);
    await write(next);
  }
  const path = `/orders?limit=2&customerId=${encodeURIComponent(customerId)}`;
  const pages: string[][] = [];
  let next: string | null | undefined;
  while (next !== null) {
    const after = next === undefined ? '' : `&after=${encodeURIComponent(next)}`;
    const { body } = await get<{ items: { orderId: string }[]; next: string | null }>(path + after);
    pages.push(body.items.map(({ orderId }) => orderId));
    next = body.next;
    await write(order(customerId, [{ productId, quantity: 1 }]));
  }
  expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  expect(pages.flat()).toEqual(placed);
});

it('products and stock of both groups are one list, in order; each also by itself', async () => {
  // In some ids the next character sorts before the slash of a page key, in others after it.
  const ids = ['zz', 'zz-', 'zz.', 'zz0', 'zzA', 'zz_', 'zza', 'zz-a', 'zz--b'].flatMap((prefix) =>
    GROUP_IDS.map((group) => keyOf(group, prefix)),
  );
  for (const productId of ids) await write(product(productId, 100, 7));
  const expected = [...ids].sort();

  const listed = async (path: string, start: string): Promise<Json[]> => {
    const items: Json[] = [];
    for (let next: string | null = start; next !== null;) {
      const page: Got<{ items: Json[]; next: string | null }> = await get(`${path}?limit=4&after=${next}`);
      expect(page.headers.get(headers.source)).toBe('g1-1 (primary), g2-1 (primary)');
      items.push(...page.body.items);
      next = page.body.next;
    }
    return items;
  };
  expect((await listed('/products', 'zz')).map(({ productId }) => productId)).toEqual(expected);
  const levels = await listed('/inventory', 'zz/central');
  expect(levels.map(({ productId }) => productId)).toEqual(expected);

  const [id = ''] = ids;
  const level = { productId: id, location: 'central', onHand: 7, reserved: 0, available: 7 };
  expect(levels).toContainEqual(level);
  expect((await get(`/inventory/${id}`)).body).toEqual({ productId: id, levels: [level] });
  expect((await get(`/products/${id}`)).body).toEqual({
    productId: id,
    name: `Name of ${id}`,
    priceCents: 100,
    version: 1,
  });

  // Nobody can sell written-off units of a branch, so they are no stock.
  const [first] = groups;
  const place = `'${id}', 'sucursal-1/written-off'`;
  await first?.asSuperuser(
    `INSERT INTO eco.stock_level (product_id, location, on_hand, reserved, sequence, seq, bucket)
     SELECT ${place}, 5, 0, 1, 1, bucket FROM eco.product WHERE product_id = '${id}'`,
  );
  expect((await get(`/inventory/${id}`)).body).toEqual({ productId: id, levels: [level] });
  expect((await listed('/inventory', 'zz/central')).map(({ productId }) => productId)).toEqual(expected);
  await first?.asSuperuser(`DELETE FROM eco.stock_level WHERE (product_id, location) = (${place})`);

  await write(
    commandOf('product.update', { productId: id, name: `Name of ${id}`, priceCents: 100, taxBasisPoints: 800 }),
  );
  expect((await get(`/products/${id}`)).body).toMatchObject({ version: 2, taxBasisPoints: 800 });

  // The product was removed from the catalogue, and its stock is kept.
  await write(commandOf('product.delete', { productId: id }));
  expect(await get(`/products/${id}`)).toMatchObject({ status: 404, body: { title: 'There is no such product' } });
  expect((await get(`/inventory/${id}`)).body).toEqual({ productId: id, levels: [level] });
  expect((await listed('/products', 'zz')).map(({ productId }) => productId)).not.toContain(id);
  expect((await get('/inventory/never-there')).status).toBe(404);
});

it('a cart shows names and prices of products in any group', async () => {
  const customerId = keyOf('g1', 'lia');
  const [near, far, gone] = [keyOf('g1', 'near'), keyOf('g2', 'far'), keyOf('g2', 'gone')];
  await write(product(near, 110));
  await write(product(far, 220), product(gone, 330));
  await write(commandOf('product.delete', { productId: gone }));
  for (const [productId, quantity] of [
    [near, 1],
    [far, 2],
    [gone, 3],
  ] as const) {
    await write(commandOf('cart.edit', { customerId, productId, quantity }));
  }
  const { body } = await get<{ items: Json[] }>(`/carts/${customerId}/items`);
  const expected = [
    { productId: near, quantity: 1, name: `Name of ${near}`, unitPriceCents: 110 },
    { productId: far, quantity: 2, name: `Name of ${far}`, unitPriceCents: 220 },
    { productId: gone, quantity: 3, name: null, unitPriceCents: null },
  ];
  expect(body).toEqual({ customerId, items: expect.arrayContaining(expected) as unknown, next: null });
  expect(body.items).toHaveLength(3);

  await write(commandOf('cart.clear', { customerId }));
  expect((await get(`/carts/${customerId}/items`)).body).toEqual({ customerId, items: [], next: null });
});

it('a customer; the outcome of any command', async () => {
  const customerId = keyOf('g2', 'zoe');
  const fields = { customerId, name: 'Zoe Ruiz', email: 'zoe@example.com', branchId: 'sucursal-1' };
  const registered = commandOf('customer.register', fields);
  await write(registered);
  expect((await get(`/customers/${customerId}`)).body).toMatchObject(fields);
  expect((await get(`/customers/nobody`)).status).toBe(404);
  expect((await get(`/commands/${registered.id}`)).body).toMatchObject({
    commandId: registered.id,
    kind: 'customer.register',
    status: 'done',
    result: { customerId },
  });
  expect(await get(`/commands/${randomUUID()}`)).toMatchObject({
    status: 404,
    body: { type: 'urn:ecomarket:problem:command-unknown' },
  });
});

it('a customer whose id an earlier version stored in another spelling is still read; an impossible id is named', async () => {
  const productOf = (customerId: string) => keyOf(groupOfKey(customerId), 'tea');
  await write(product(keyOf('g1', 'tea'), 100, 100));
  await write(product(keyOf('g2', 'tea'), 100, 100));
  const stored = 'jose\u0301';
  const padded = ' ana ';
  for (const customerId of [stored, padded]) {
    await write(
      commandOf('customer.register', { customerId, name: 'J', email: 'j@example.com', branchId: null }),
      commandOf('cart.edit', { customerId, productId: productOf(customerId), quantity: 2 }),
    );
    const path = encodeURIComponent(customerId);
    expect((await get(`/customers/${path}`)).body).toMatchObject({ customerId });
    expect((await get(`/carts/${path}/items`)).body).toMatchObject({ customerId, items: [{ quantity: 2 }] });
  }
  const [old, current] = [stored, 'jos\u00e9'].map((id) => order(id, [{ productId: productOf(id), quantity: 1 }])) as [
    CommandOf<'order.place'>,
    CommandOf<'order.place'>,
  ];
  await write(old);
  await write(current);
  const listed = await get<{ items: { orderId: string }[] }>(`/orders?customerId=${encodeURIComponent(stored)}`);
  expect(listed.body.items.map(({ orderId }) => orderId).sort()).toEqual([old.id, current.id].sort());
  for (const id of ['%20bea%20', 'bea%E2%80%8B', '%252e%252E', 'bea%C2%A0']) {
    expect(await get(`/customers/${id}`)).toMatchObject({ status: 400, body: { faults: [{ at: 'path.customerId' }] } });
    const orders = await get(`/orders?customerId=${id}`);
    expect(orders).toMatchObject({ status: 400, body: { faults: [{ at: 'query.customerId' }] } });
  }
});

it('changes: batches in order, and data as the contract has it', async () => {
  const productId = keyOf('g1', 'rice');
  const [first, second] = [keyOf('g1', 'max'), keyOf('g1', 'may')];
  const start = await write(product(productId, 100, 10));
  const orders = [order(first, [{ productId, quantity: 4 }]), order(second, [{ productId, quantity: 9 }])];
  const decided = await write(...orders);
  await write(
    commandOf('customer.register', { customerId: first, name: 'Max', email: 'max@example.com', branchId: null }),
    commandOf('cart.edit', { customerId: first, productId, quantity: 1 }),
  );
  const last = await write(commandOf('product.update', { productId, name: 'Rice', priceCents: 120 }));

  type Page = { changes: Change[]; upToSeq: number; more: boolean };
  const page = async (topic: string, after: number, limit: number) =>
    (
      await get<Page>(`/changes?topic=${topic}&group=g1&after=${after}&limit=${limit}`, {
        [headers.position]: textOf(last),
      })
    ).body;

  const ordersPage = await page('orders', start.position.seq, 2);
  expect(ordersPage.changes.map(({ type, commandId }) => ({ type, commandId }))).toEqual([
    { type: 'order.confirmed', commandId: orders[0]?.id },
    { type: 'order.rejected', commandId: orders[1]?.id },
  ]);
  expect(ordersPage).toMatchObject({ more: false, upToSeq: last.position.seq });

  // The pages begin before the product came, and show its three batches of changes one by one.
  const products = await page('products', start.position.seq - 1, 1);
  expect(products).toMatchObject({ more: true, upToSeq: start.position.seq, changes: [{ type: 'product.created' }] });
  expect(await page('products', products.upToSeq, 1)).toMatchObject({
    more: false,
    changes: [{ type: 'product.updated', data: { productId, name: 'Rice', priceCents: 120, version: 2 } }],
  });
  const stock = await page('stock', start.position.seq - 1, 100);
  expect(stock.changes.map(({ data }) => data)).toEqual([
    {
      productId,
      location: 'central',
      sequence: 1,
      movement: 'received',
      onHandDelta: 10,
      reservedDelta: 0,
      onHand: 10,
      reserved: 0,
    },
    {
      productId,
      location: 'central',
      sequence: 2,
      movement: 'reserved',
      onHandDelta: 0,
      reservedDelta: 4,
      onHand: 10,
      reserved: 4,
    },
  ]);
  const others = [
    ...(await page('customers', decided.position.seq, 9)).changes,
    ...(await page('carts', decided.position.seq, 9)).changes,
  ];
  expect(others.map(({ type }) => type)).toEqual(['customer.registered', 'cart.changed']);

  for (const change of [...ordersPage.changes, ...products.changes, ...stock.changes, ...others]) {
    expect(changeData[change.type].parse(change.data)).toEqual(change.data);
  }
});

describe('changes by page', () => {
  const LINES = 200;
  const ORDERS = 100;
  type Page = { changes: Change[]; upToSeq: number; next: string; more: boolean };
  let before: WrittenBatch;
  let large: WrittenBatch;
  let after: WrittenBatch;

  beforeAll(async () => {
    const products = Array.from({ length: LINES }, (_, n) => keyOf('g2', `shelf-${n}`));
    before = await write(...products.map((productId) => product(productId, 100, 1_000)));
    const customerId = keyOf('g2', 'wholesaler');
    const lines = products.map((productId) => ({ productId, quantity: 1 }));
    large = await write(...Array.from({ length: ORDERS }, () => order(customerId, lines)));
    after = await write(product(keyOf('g2', 'last-shelf'), 100, 1));
  });

  const page = async (topic: string, cursor: string | number, limit: number) =>
    get<Page>(`/changes?topic=${topic}&group=g2&after=${cursor}&limit=${limit}`);

  it('reads a batch of 20,000 movements to its end, with no page beyond its limit', async () => {
    const seen = new Set<string>();
    let cursor = String(before.position.seq);
    for (let more = true; more;) {
      const { status, body } = await page('stock', cursor, 1000);
      expect([status, body.changes.length <= 1000]).toEqual([200, true]);
      for (const { seq, n } of body.changes) seen.add(`${seq}.${n}`);
      // If a page ends inside the batch, its last complete batch is the previous one and its cursor points into the
      // batch.
      const last = body.changes.at(-1);
      if (seen.size < ORDERS * LINES) {
        expect(body).toMatchObject({ more: true, upToSeq: large.position.seq - 1 });
        expect(body.next.endsWith(`.${large.position.seq}.${last?.n}`)).toBe(true);
      }
      ({ next: cursor, more } = body);
    }
    expect(seen.size).toBe(ORDERS * LINES + 1);
    expect(cursor).toBe(`${after.position.term}.${after.position.tag}.${after.position.seq}`);
  });

  it('reads from a batch number on after the whole batch, and from a change in it after that change', async () => {
    const { seq } = large.position;
    expect((await page('orders', seq, 1)).body).toMatchObject({ changes: [], more: false });
    expect((await page('orders', `${seq}.98`, 9)).body.changes.map(({ n }) => n)).toEqual([99, 100]);
    // A page that ends with the last change of the batch has the batch completely.
    const { body } = await page('stock', `${seq}.${ORDERS * LINES - 2}`, 2);
    expect([body.upToSeq, body.more, body.next]).toEqual([
      seq,
      true,
      `${after.position.term}.${after.position.tag}.${seq}`,
    ]);
  });

  it('responds 410 with a cursor to continue from if the cursor is beyond the end or of a lost leadership', async () => {
    const { term, tag } = after.position;
    const { body: atEnd } = await page('orders', 0, 1000);
    const end = `${term}.${tag}.${after.position.seq}`;
    expect(atEnd.next).toBe(end);
    const cursors = [
      ['999999999', end],
      [`${term}.${tag}.999999999`, end],
      [`${term}.${tag}.999999999.7`, end],
      // Another leadership of this term shares with this one only the history before both, which is empty.
      [`${term}.ffffffff.${large.position.seq}`, `${term}.${tag}.0`],
    ] as const;
    // On a busy machine the primary needs longer to show that it continues without the cursor. Until then the answer is
    // 503.
    const gone = await Promise.all(
      cursors.map(([cursor]) =>
        eventually(`${cursor} is gone`, async () => {
          const got = await page('orders', cursor, 1);
          return got.status !== 503 && got;
        }),
      ),
    );
    expect(gone.map(({ status, body }) => [status, body])).toMatchObject(
      cursors.map(([, continueFrom]) => [410, { type: 'urn:ecomarket:problem:position-lost', continueFrom }]),
    );
    expect((await page('orders', end, 1)).body).toMatchObject({ changes: [], more: false });
    expect((await page('orders', `${term}.ffffffff`, 1)).status).toBe(400);
  });

  it('end with the last confirmed batch, because a failover may lose the next one', async () => {
    const [g2] = groups.filter(({ id }) => id === 'g2') as [DatabaseGroup];
    await writers.get('g2')?.close();
    // A heartbeat would confirm the batch.
    const silent = await eventually('a silent writer leads', () => BatchWriter.open(g2, g2.servers[0], 600_000));
    try {
      const [first, second] = ['first', 'second'].map((name) => product(keyOf('g2', `${name}-to-confirm`), 100, 0));
      const confirmed = await silent.write(first as CommandOf<CommandKind>);
      const unconfirmed = await silent.write(second as CommandOf<CommandKind>);
      const { term, tag, seq } = confirmed.position;
      const path = `/changes?topic=products&group=g2&after=${after.position.seq}&limit=9`;
      const sentHeaders: Record<string, string>[] = [{}, { [headers.position]: textOf(unconfirmed) }];
      for (const sent of sentHeaders) {
        const { body } = await get<Page>(path, sent);
        expect(body.changes.map(({ seq: of }) => of)).toEqual([seq]);
        expect(body).toMatchObject({ upToSeq: seq, next: `${term}.${tag}.${seq}`, more: false });
      }
      const waiting = get<Page>(path, { [headers.position]: textOf(unconfirmed), prefer: 'wait=30' });
      await silent.confirm();
      expect((await waiting).body).toMatchObject({ upToSeq: unconfirmed.position.seq, more: false });
    } finally {
      await silent.close();
      writers.set('g2', await eventually('a writer leads again', () => BatchWriter.open(g2)));
    }
  });
});

it('40 clients that wait for commands share the reads, and each gets its answer when its command is decided', async () => {
  const readsSoFar = async (group = 'g') => {
    const text = await (await fetch(`${service.operatorsUrl}/metrics`)).text();
    const line = new RegExp(`^eco_reads_total\\{node="${group}.*\\} (\\d+)$`, 'gm');
    const counts = [...text.matchAll(line)].map(([, count]) => Number(count));
    return counts.reduce((sum, count) => sum + count, 0);
  };
  const productId = keyOf('g2', 'patience');
  await write(product(productId, 100, 1_000));
  const orders = Array.from({ length: 40 }, (_, n) => order(keyOf('g2', `patient-${n}`), [{ productId, quantity: 1 }]));
  const before = await readsSoFar();
  const waits = orders.map(({ id }) => get<Json>(`/commands/${id}`, { [headers.prefer]: 'wait=30' }));
  await eventually('each has read once', async () => (await readsSoFar()) >= before + orders.length);
  await write(...orders);
  const answers = await Promise.all(waits);
  expect(answers.map(({ status, body }) => [status, body['status']])).toEqual(orders.map(() => [200, 'done']));
  // Both groups are asked only for their own commands, and less often the longer a client waits.
  const none = Array.from({ length: 40 }, () => order('nobody', [{ productId, quantity: 1 }]).id);
  const since = await readsSoFar();
  const unknown = await Promise.all(none.map((id) => get(`/commands/${id}`, { [headers.prefer]: 'wait=2' })));
  expect(new Set(unknown.map(({ status }) => status))).toEqual(new Set([404]));
  const looks = (await readsSoFar()) - since - 2 * none.length;
  expect(looks).toBeLessThan(100);
  // The service itself reads the ended sessions of the first group every second.
  const { id: one } = order(keyOf('g2', 'nobody'), [{ productId, quantity: 1 }]);
  const beforeOne = await readsSoFar('g2');
  expect((await get(`/commands/${one}`, { [headers.prefer]: 'wait=3' })).status).toBe(404);
  const readsOfOne = (await readsSoFar('g2')) - beforeOne;
  expect(readsOfOne).toBeGreaterThan(2);
  expect(readsOfOne).toBeLessThanOrEqual(22);
});

it("a branch's orders in a period, newest first, over both groups; also of one customer at it, and as CSV", async () => {
  const branchId = 'sucursal-7';
  const [here, there] = [keyOf('g1', 'pia'), keyOf('g2', 'pia')];
  const [mine, theirs] = [keyOf('g1', 'bread'), keyOf('g2', 'bread')];
  await write(product(mine, 100, 1000));
  await write(product(theirs, 100, 1000));
  const placed: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const isHere = n % 3 !== 0;
    const next = order(isHere ? here : there, [{ productId: isHere ? mine : theirs, quantity: 1 }], branchId);
    placed.unshift(next.id);
    await write(next);
    await write(order(isHere ? here : there, [{ productId: isHere ? mine : theirs, quantity: 1 }]));
  }
  type Page = { items: { orderId: string; placedAt: string }[]; next: string | null };
  const listed = async (query: string): Promise<Page['items']> => {
    const items: Page['items'] = [];
    for (let next: string | null = ''; next !== null;) {
      const after: string = next === '' ? '' : `&after=${encodeURIComponent(next)}`;
      const { body }: Got<Page> = await get<Page>(`/orders?limit=4&${query}${after}`);
      items.push(...body.items);
      next = body.next;
    }
    return items;
  };
  const ids = (items: { orderId: string }[]) => items.map(({ orderId }) => orderId);
  const all = await listed(`branchId=${branchId}`);
  expect(ids(all)).toEqual(placed);
  const [, second, , fourth] = all;
  expect(ids(await listed(`branchId=${branchId}&from=${fourth?.placedAt}&to=${second?.placedAt}`))).toEqual(
    placed.slice(2, 4),
  );
  expect(ids(await listed(`branchId=${branchId}&customerId=${here}`))).toHaveLength(4);
  expect(ids(await listed('branchId=central'))).not.toContain(placed[0]);

  const csv = await getCsv(`/orders?limit=2&branchId=${branchId}`);
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
  const lines = (await csv.text()).trimEnd().split('\r\n');
  expect(lines).toHaveLength(3);
  expect(lines[0]?.split(',')).toEqual(Object.keys(orderSchema.shape));
  const link = /^<(\?[^>]+)>; rel="next"$/.exec(csv.headers.get(headers.link) ?? '')?.[1];
  expect(ids((await get<Page>(`/orders${link}`)).body.items)).toEqual(placed.slice(2, 4));
});

/** The items of every page of a list. */
async function everyPage<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  for (let after: string | null = ''; after !== null;) {
    const sent: string = after === '' ? path : `${path}&after=${encodeURIComponent(after)}`;
    const { status, body } = await get<{ items: T[]; next: string | null }>(sent);
    expect(status).toBe(200);
    items.push(...body.items);
    after = body.next;
  }
  return items;
}

it('orders in a status: what is still to be handed over at a branch, and of a customer', async () => {
  const branchId = 'sucursal-9';
  const placed = GROUP_IDS.flatMap((group) => {
    const customerId = keyOf(group, 'quim');
    const productId = keyOf(group, 'oats');
    return Array.from({ length: 4 }, (_, n) =>
      order(customerId, [{ productId, quantity: n === 3 ? 9_999 : 1 }], branchId),
    );
  });
  for (const group of GROUP_IDS) await write(product(keyOf(group, 'oats'), 100, 10));
  for (const each of placed) await write(each);
  const [first, second] = [placed[0], placed[5]] as [CommandOf<'order.place'>, CommandOf<'order.place'>];
  await write(commandOf('order.fulfil', { orderId: first.id, customerId: first.body.customerId }));
  await write(commandOf('order.cancel', { orderId: second.id, customerId: second.body.customerId }));
  const inStatus = async (query: string) =>
    (await everyPage<{ orderId: string }>(`/orders?limit=2&${query}`)).map(({ orderId }) => orderId);
  const open = placed.filter((each, n) => n % 4 !== 3 && each !== first && each !== second).map(({ id }) => id);
  expect((await inStatus(`branchId=${branchId}&status=confirmed`)).sort()).toEqual(open.sort());
  expect(await inStatus(`branchId=${branchId}&status=fulfilled`)).toEqual([first.id]);
  expect(await inStatus(`customerId=${second.body.customerId}&status=cancelled`)).toEqual([second.id]);
  expect(await inStatus(`customerId=${second.body.customerId}&status=rejected`)).toEqual([placed[7]?.id]);
  expect((await get(`/orders?branchId=${branchId}&status=open`)).body).toMatchObject({
    faults: [{ at: 'query.status', message: expect.stringContaining('confirmed, rejected') as string }],
  });
  const csv = await (await getCsv(`/orders?branchId=${branchId}&status=confirmed`)).text();
  expect(csv.trim().split('\r\n')).toHaveLength(1 + open.length);
});

it('reservations that are held, the next to expire first, of the chain, a branch or a customer', async () => {
  const held: { id: string; ttlSeconds: number; branchId: string | null }[] = [];
  for (const group of GROUP_IDS) {
    const customerId = keyOf(group, 'rosa');
    const productId = keyOf(group, 'figs');
    await write(product(productId, 100, 100));
    for (const [n, branchId] of ['sucursal-8', null, 'sucursal-8'].entries()) {
      const reservationId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
      const ttlSeconds = 20_000 - held.length * 100;
      const lines = [{ productId, quantity: 1 + n }];
      await write(commandOf('reservation.create', { reservationId, customerId, branchId, lines, ttlSeconds }));
      held.push({ id: reservationId, ttlSeconds, branchId });
    }
  }
  const ended = held.pop();
  await write(commandOf('reservation.release', { reservationId: ended?.id ?? '', customerId: keyOf('g2', 'rosa') }));
  const idsOf = async (query: string) =>
    (await everyPage<{ reservationId: string; status: string }>(`/reservations?limit=1&status=held${query}`)).map(
      ({ reservationId }) => reservationId,
    );
  const soonest = held.toSorted((a, b) => a.ttlSeconds - b.ttlSeconds);
  expect((await idsOf('')).filter((id) => held.some((each) => each.id === id))).toEqual(soonest.map(({ id }) => id));
  expect(await idsOf('&branchId=sucursal-8')).toEqual(
    soonest.filter(({ branchId }) => branchId !== null).map(({ id }) => id),
  );
  expect((await idsOf(`&customerId=${keyOf('g1', 'rosa')}`)).sort()).toEqual(
    held
      .slice(0, 3)
      .map(({ id }) => id)
      .sort(),
  );
});

it('transfers in transit, by destination, of the chain, a location or a product', async () => {
  for (const group of groups) {
    await group.asSuperuser(
      `INSERT INTO eco.location SELECT unnest(ARRAY['depot-1', 'depot-2']) ON CONFLICT DO NOTHING`,
    );
  }
  const sent: { transferId: string; productId: string; from: string; to: string; quantity: number }[] = [];
  for (const group of GROUP_IDS) {
    const productId = keyOf(group, 'plums');
    await write(product(productId, 100, 100));
    await write(commandOf('stock.receive', { productId, location: 'depot-1', quantity: 10 }));
    for (const [from, to] of [
      ['central', 'depot-1'],
      ['depot-1', 'central'],
      ['central', 'depot-2'],
    ] as const) {
      const transferId = newOrderId({ customerId: productId, nowMs: Date.now(), random: randomBytes(10) });
      const transfer = { transferId, productId, from, to, quantity: 2 };
      await write(commandOf('transfer.send', transfer));
      sent.push(transfer);
    }
  }
  const [arrived] = sent.splice(2, 1);
  const { transferId = '', productId = '' } = arrived ?? {};
  await write(commandOf('transfer.receive', { transferId, productId }));
  const inTransit = async (query: string) =>
    (await everyPage<{ transferId: string }>(`/transfers?limit=1&status=in-transit${query}`)).map(
      (each) => each.transferId,
    );
  const idsOf = (wanted: (transfer: (typeof sent)[number]) => boolean) =>
    sent
      .filter(wanted)
      .toSorted((a, b) => (`${a.to}/${a.transferId}` < `${b.to}/${b.transferId}` ? -1 : 1))
      .map((each) => each.transferId);
  const all = await inTransit('');
  expect(all.filter((id) => sent.some((each) => each.transferId === id))).toEqual(idsOf(() => true));
  expect(await inTransit('&location=depot-1')).toEqual(idsOf(({ from, to }) => [from, to].includes('depot-1')));
  expect(await inTransit(`&productId=${productId}`)).toEqual(idsOf((each) => each.productId === productId));
});

it('orders as CSV: every row of the query, with everything in its JSON', async () => {
  const rows = 1_234;
  const [home] = groups;
  await home?.asSuperuser(`
    INSERT INTO eco.orders (order_id, seq, placed_at, decided_at, ended_at, total_cents, bucket, status, customer_id, branch_id, lines, returned, short, unknown_products)
    SELECT md5('csv' || n)::uuid, 1, '2026-02-01'::timestamptz + n * interval '1 second', '2026-02-01', CASE WHEN n % 2 = 0 THEN '2026-02-02'::timestamptz END,
           500, (SELECT min(b.bucket) FROM eco.bucket_ownership b WHERE b.state = 'owned'), CASE WHEN n % 2 = 0 THEN 'fulfilled' ELSE 'rejected' END,
           '=ana;' || n, 'csv', jsonb_build_array(jsonb_build_object('productId', 'te', 'quantity', 2, 'unitPriceCents', 250, 'name', 'Té; "rojo"')),
           CASE WHEN n % 2 = 0 THEN '[{"productId": "te", "quantity": 1}]'::jsonb END,
           CASE WHEN n % 2 = 1 THEN '[{"productId": "te", "asked": 2, "available": 1}]'::jsonb END, CASE WHEN n % 2 = 1 THEN '["x"]'::jsonb END
    FROM generate_series(1, ${rows}) n`);
  const csv = async (path: string) => {
    const response = await getCsv(path);
    return { response, lines: (await response.text()).trimEnd().split('\r\n') };
  };
  const { response, lines } = await csv('/orders?branchId=csv');
  expect([response.status, response.headers.get(headers.link)]).toEqual([200, null]);
  expect(response.headers.get(headers.source)).toContain('g1-1');
  expect(lines).toHaveLength(rows + 1);
  expect(new Set(lines).size).toBe(rows + 1);

  // Each cell equals the JSON value, except for an apostrophe before text that a spreadsheet would run.
  const columns = lines[0]?.split(',') ?? [];
  const { body } = await get<{ items: Record<string, unknown>[] }>('/orders?branchId=csv&limit=2');
  for (const [index, item] of body.items.entries()) {
    const cells = [...(lines[index + 1] ?? '').matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = '']) => cell);
    for (const [at, column] of columns.entries()) {
      const cell = cells[at] ?? '';
      const text = cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell;
      const value = item[column];
      if (typeof value === 'object' && value !== null) expect(JSON.parse(text)).toEqual(value);
      else if (column === 'customerId') expect(text).toBe(`'${value as string}`);
      else expect(text).toBe(value === null ? '' : String(value as string | number));
    }
  }
  expect(body.items.map(({ returned, short, endedAt }) => [returned, short, endedAt])).toEqual([
    [[{ productId: 'te', quantity: 1 }], [], '2026-02-02T00:00:00.000Z'],
    [[], [{ productId: 'te', asked: 2, available: 1 }], null],
  ]);
  // An instant with its offset separates days at the chain's midnight.
  expect((await csv('/orders?branchId=csv&to=2026-01-31T18:00:11-06:00')).lines).toHaveLength(11);
  await home?.asSuperuser(`DELETE FROM eco.orders WHERE branch_id = 'csv'`);
});

it('products by words of their names, without case and accents', async () => {
  const ids = ['a', 'b', 'c'].flatMap((prefix) => GROUP_IDS.map((group) => keyOf(group, `fruit-${prefix}`)));
  const names = ['Mermelada de Ñame', 'Melón orgánico', 'Melocotón, 1/2 kg', 'MELON congelado', "D'Anjou", 'Te'];
  for (const [n, productId] of ids.entries()) {
    await write(commandOf('product.create', { productId, name: names[n] ?? '', priceCents: 1, stock: 0 }));
  }
  const found = async (name: string, more = '') => {
    const { body } = await get<{ items: { name: string }[]; next: string | null }>(
      `/products?name=${encodeURIComponent(name)}${more}`,
    );
    return body.items.map((item) => item.name).sort();
  };
  expect(await found('melon')).toEqual(['MELON congelado', 'Melón orgánico']);
  expect(await found('MEL')).toEqual(['MELON congelado', 'Melocotón, 1/2 kg', 'Melón orgánico']);
  expect(await found('org mel')).toEqual(['Melón orgánico']);
  expect(await found('name')).toContain('Mermelada de Ñame');
  expect(await found("d'anj")).toEqual(["D'Anjou"]);
  expect(await found('kg 1/2')).toEqual(['Melocotón, 1/2 kg']);
  expect(await found('!?')).toEqual([]);
  expect(await found("x' | y:*")).toEqual([]);
  const { body } = await get<{ next: string | null }>('/products?name=mel&limit=1');
  expect(body.next).not.toBeNull();
  expect([...(await found('mel', '&limit=1')), ...(await found('mel', `&after=${body.next}`))]).toHaveLength(3);
});

it('stock of a location, and its low stock', async () => {
  const ids = ['lo', 'hi'].flatMap((prefix) => GROUP_IDS.map((group) => keyOf(group, `shelf-${prefix}`)));
  for (const productId of ids) await write(product(productId, 100, productId.includes('-lo') ? 3 : 300));
  const found = async (query: string) => {
    const { body } = await get<{ items: { productId: string; available: number }[] }>(`/inventory?limit=1000&${query}`);
    return body.items.filter(({ productId }) => ids.includes(productId)).map(({ productId }) => productId);
  };
  const sorted = [...ids].sort();
  expect(await found('location=central')).toEqual(sorted);
  expect(await found('location=elsewhere')).toEqual([]);
  expect(await found('availableMax=3')).toEqual(sorted.filter((id) => id.includes('-lo')));
  expect(await found('availableMax=2&location=central')).toEqual([]);
  expect(await found('availableMax=3&location=central')).toEqual(sorted.filter((id) => id.includes('-lo')));
});

it('low stock is exactly the low products on sale: no deleted ones, and also those without a level', async () => {
  const ids = GROUP_IDS.flatMap((group) =>
    ['gone', 'none', 'less', 'many'].map((which) => keyOf(group, `low-${which}`)),
  );
  const called = (which: string) => ids.filter((id) => id.includes(which)).sort();
  for (const productId of ids) {
    const stock = { gone: 0, none: 0, less: 4, many: 9 }[productId.slice(4, 8)] ?? 0;
    await write(product(productId, 100, stock));
  }
  // One product was sold out and then deleted. Of another product one branch has units, and a second branch has had
  // some.
  for (const productId of called('gone')) {
    await write(commandOf('stock.receive', { productId, location: 'central', quantity: 2 }));
    await write(commandOf('stock.adjust', { productId, location: 'central', delta: -2, reason: 'broken' }));
    await write(commandOf('product.delete', { productId }));
  }
  for (const group of groups) {
    await group.asSuperuser(`INSERT INTO eco.location SELECT unnest(ARRAY['low-1', 'low-2']) ON CONFLICT DO NOTHING`);
  }
  for (const productId of called('none')) {
    await write(commandOf('stock.receive', { productId, location: 'low-1', quantity: 3 }));
    await write(commandOf('stock.receive', { productId, location: 'low-2', quantity: 1 }));
    await write(commandOf('stock.adjust', { productId, location: 'low-2', delta: -1, reason: 'broken' }));
  }
  const low = async (query: string) => {
    const found: string[] = [];
    for (let after = '/'; after !== '';) {
      const path = `/inventory?limit=3&${query}${after === '/' ? '' : `&after=${encodeURIComponent(after)}`}`;
      const { body } = await get<{
        items: { productId: string; location: string; available: number }[];
        next: string | null;
      }>(path);
      found.push(...body.items.map(({ productId, location, available }) => `${productId} ${location} ${available}`));
      after = body.next ?? '';
    }
    return found.filter((each) => each.startsWith('low-'));
  };
  const at = (which: string, ...levels: string[]) =>
    called(which).flatMap((id) => levels.map((level) => `${id} ${level}`));
  expect(await low('availableMax=0')).toEqual(at('none', 'central 0', 'low-2 0'));
  expect(await low('availableMax=3')).toEqual(at('none', 'central 0', 'low-1 3', 'low-2 0'));
  expect(await low('availableMax=4&location=central')).toEqual([
    ...at('less', 'central 4'),
    ...at('none', 'central 0'),
  ]);
  // A branch is low on products that it has had, not on every product of the catalogue.
  expect(await low('availableMax=2&location=low-1')).toEqual([]);
  expect(await low('availableMax=3&location=low-1')).toEqual(at('none', 'low-1 3'));
  expect(await low('availableMax=3&location=low-2')).toEqual(at('none', 'low-2 0'));
  // Stock of a product that is not on sale is still shown without `availableMax`.
  for (const id of called('gone'))
    expect((await get(`/inventory/${id}`)).body).toMatchObject({ levels: [{ onHand: 0 }] });
});

it('low stock among more levels than a page looks at: pages continue to the end, and show each level once', async () => {
  const [first] = groups;
  // Rows of a location that nothing else uses. They are more than a batch should write.
  await first?.asSuperuser(`
    INSERT INTO eco.stock_level (product_id, location, on_hand, reserved, sequence, seq, bucket)
    SELECT 'bulk-' || lpad(n::text, 6, '0'), 'warehouse', CASE WHEN n % 7000 = 0 THEN 1 ELSE 50 END, 0, 1, 1,
           (SELECT min(b.bucket) FROM eco.bucket_ownership b WHERE b.state = 'owned')
    FROM generate_series(1, 25000) n`);
  await first?.asSuperuser(`
    INSERT INTO eco.product (product_id, seq, price_cents, version, bucket, deleted, name)
    SELECT l.product_id, 1, 100, 1, l.bucket, false, 'Bulk' FROM eco.stock_level l WHERE l.location = 'warehouse'`);
  const seen: string[] = [];
  let pages = 0;
  for (let after = ''; pages < 20; pages += 1) {
    const { body } = await get<{ items: { productId: string }[]; next: string | null }>(
      `/inventory?location=warehouse&availableMax=5&limit=2${after}`,
    );
    seen.push(...body.items.map(({ productId }) => productId));
    if (body.next === null) break;
    after = `&after=${encodeURIComponent(body.next)}`;
  }
  expect(seen).toEqual(['bulk-007000', 'bulk-014000', 'bulk-021000']);
  expect(pages).toBeLessThan(6);
  await first?.asSuperuser(`DELETE FROM eco.stock_level WHERE location = 'warehouse'`);
  await first?.asSuperuser(`DELETE FROM eco.product WHERE name = 'Bulk'`);
});

it('customers by e-mail, in whatever case, from any group', async () => {
  const ids = GROUP_IDS.map((group) => keyOf(group, 'twin'));
  for (const [n, customerId] of ids.entries()) {
    const email = n === 0 ? 'Twins@Example.com' : 'twins@example.com';
    await write(commandOf('customer.register', { customerId, name: 'Twin', email, branchId: null }));
  }
  const { body } = await find('TWINS@example.com');
  expect(body.items.map(({ customerId }) => customerId)).toEqual([...ids].sort());
  expect((await find('nobody@example.com')).body).toEqual({ items: [], next: null });
});

it('a day before the calendar is the error of its client', async () => {
  const answer = await get('/statistics/sales?from=0000-01-01&to=0000-01-02');
  expect(answer).toMatchObject({ status: 400, body: { type: 'urn:ecomarket:problem:bad-input' } });
});

it('sales by day, branch and product, as far as statistics have been applied', async () => {
  const home = groups[0];
  const [state] =
    (await home?.asSuperuser<{ term: number; tag: string; seq: number }>(
      'SELECT term::int, tag, seq::int FROM eco.group_state',
    )) ?? [];
  for (const statement of [
    `INSERT INTO statistics.branch_day (group_id, day, branch_id, orders, units, revenue_cents, cancelled_orders, cancelled_units, cancelled_cents,
       returned_orders, returned_units, returned_cents)
    VALUES ('g1', '2026-01-05', '', 2, 5, 1000, 0, 0, 0, 0, 0, 0), ('g2', '2026-01-05', 'sucursal-1', 2, 3, 700, 1, 2, 400, 0, 0, 0),
           ('g1', '2026-01-06', '', 2, 4, 500, 0, 0, 0, 1, 2, 295)`,
    `INSERT INTO statistics.product_day (group_id, day, branch_id, product_id, orders, units, revenue_cents)
    VALUES ('g1', '2026-01-05', '', 'te', 2, 4, 800), ('g1', '2026-01-05', '', 'pan', 1, 1, 200), ('g2', '2026-01-05', 'sucursal-1', 'te', 1, 1, 300),
           ('g1', '2026-01-06', '', 'te', 1, 2, 205)`,
    `INSERT INTO statistics.progress (consumer, group_id, topic, term, tag, seq)
    VALUES ('statistics', 'g1', 'orders', ${state?.term}, '${state?.tag}', ${state?.seq})`,
  ]) {
    await home?.asSuperuser(statement);
  }

  const sold = async (query: string, sent: Record<string, string> = {}) =>
    get<{ items: Json[]; next: string | null }>(`/statistics/sales?from=2026-01-01&to=2026-01-31&${query}`, sent);

  const none = { orders: 0, units: 0, revenueCents: 0 };
  const byDay = await sold('by=day');
  expect(byDay.body).toMatchObject({ timeZone: 'UTC' });
  expect(byDay.headers.get(headers.timeZone)).toBe('UTC');
  expect(byDay.body.items).toEqual([
    {
      day: '2026-01-05',
      branchId: null,
      productId: null,
      sales: 3,
      units: 6,
      revenueCents: 1300,
      gross: { orders: 4, units: 8, revenueCents: 1700 },
      cancelled: { orders: 1, units: 2, revenueCents: 400 },
      returned: none,
      averageTicketCents: 433,
    },
    {
      day: '2026-01-06',
      branchId: null,
      productId: null,
      sales: 1,
      units: 2,
      revenueCents: 205,
      gross: { orders: 2, units: 4, revenueCents: 500 },
      cancelled: none,
      returned: { orders: 1, units: 2, revenueCents: 295 },
      averageTicketCents: 205,
    },
  ]);
  expect(byDay.headers.get(headers.position)).toBe(`g1=${state?.term}.${state?.tag}.${state?.seq}`);
  expect((await sold('by=branch')).body.items).toMatchObject([
    { branchId: 'central', sales: 3, revenueCents: 1205 },
    { branchId: 'sucursal-1', sales: 1, revenueCents: 300 },
  ]);
  expect((await sold('by=product,branch&branchId=central')).body.items).toMatchObject([
    { branchId: 'central', productId: 'pan', sales: 1, units: 1 },
    { branchId: 'central', productId: 'te', sales: 3, units: 6, revenueCents: 1005, averageTicketCents: 335 },
  ]);
  expect((await sold('by=day&productId=te&branchId=sucursal-1')).body.items).toMatchObject([
    { day: '2026-01-05', sales: 1, units: 1, revenueCents: 300 },
  ]);
  const first = await sold('by=day,branch&limit=2');
  expect(first.body.next).toBe('2026-01-05/sucursal-1/');
  const rest = await sold(`by=day,branch&limit=2&after=${encodeURIComponent(first.body.next ?? '')}`);
  expect(rest.body).toMatchObject({ items: [{ day: '2026-01-06' }], next: null });

  // The last days are those of the chain's time zone, which the answer states; CSV states it in a header.
  const zoned = async (timeZone: string) => {
    await home?.asSuperuser(`UPDATE eco.setting SET value = '${timeZone}' WHERE name = 'time-zone'`);
    const answer = await get<{ items: Json[]; timeZone: string }>('/statistics/sales?by=day');
    expect([answer.body.timeZone, answer.headers.get(headers.timeZone)]).toEqual([timeZone, timeZone]);
    return answer.body.items.map(({ day }) => day);
  };
  // The two time zones never have the same day.
  const [{ east } = { east: '' }] =
    (await home?.asSuperuser<{ east: string }>(
      `INSERT INTO statistics.branch_day (group_id, day, branch_id, orders, units, revenue_cents)
       VALUES ('g1', (now() AT TIME ZONE 'Pacific/Kiritimati')::date, 'east', 1, 1, 1) RETURNING day::text AS east`,
    )) ?? [];
  expect(await zoned('Pacific/Kiritimati')).toContain(east);
  expect(await zoned('Pacific/Pago_Pago')).not.toContain(east);
  const csv = await getCsv('/statistics/sales?by=day');
  expect([csv.headers.get(headers.timeZone), (await csv.text()).split('\r\n')[0]]).toEqual([
    'Pacific/Pago_Pago',
    'day,branchId,productId,sales,units,revenueCents,grossOrders,grossUnits,grossRevenueCents,' +
      'cancelledOrders,cancelledUnits,cancelledRevenueCents,returnedOrders,returnedUnits,returnedRevenueCents,averageTicketCents',
  ]);
  await home?.asSuperuser(`UPDATE eco.setting SET value = 'UTC' WHERE name = 'time-zone'`);
  await home?.asSuperuser(`DELETE FROM statistics.branch_day WHERE branch_id = 'east'`);

  // A batch without sales does not make the reader wait. A batch with sales does, and the answer never shows less than
  // it states.
  const nothing = await write(product(keyOf('g1', 'sugar'), 100, 9));
  const answer = await sold('by=day', { [headers.position]: textOf(nothing) });
  expect([answer.status, answer.headers.get(headers.position)]).toEqual([200, textOf(nothing)]);
  const bought = await write(order(keyOf('g1', 'uma'), [{ productId: keyOf('g1', 'sugar'), quantity: 1 }]));
  expect((await sold('by=day', { [headers.position]: textOf(bought) })).status).toBe(503);

  // That order is never applied. The lag of the answer is its age, however fresh the node is.
  const lagMs = async () => Number((await sold('by=day')).headers.get(headers.lagMs));
  await eventually('the answer states that it lacks the order', async () => (await lagMs()) > 1_000);
  const fresh = await sold('by=day', { [headers.lagMsMax]: '500' });
  expect(fresh).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:not-fresh' } });
  const patient = { [headers.lagMsMax]: '600000' };
  await eventually('a patient reader is answered', async () => (await sold('by=day', patient)).status === 200);
  const progress = (set: string) => home?.asSuperuser(`UPDATE statistics.progress SET ${set}`);
  await progress(`seq = ${bought.position.seq}`);
  // The other group's orders were never applied, and their age counts as well.
  expect(await lagMs()).toBeGreaterThan(1_000);
  const there = await write(product(keyOf('g2', 'sugar'), 100, 9));
  const { term, tag, seq } = there.position;
  await home?.asSuperuser(
    `INSERT INTO statistics.progress (consumer, group_id, topic, term, tag, seq)
     VALUES ('statistics', 'g2', 'orders', ${term}, '${tag}', ${seq})`,
  );
  await eventually('everything is applied', async () => (await lagMs()) < 1_000);
  // After a failover that lost applied changes, the lag is unknown.
  await progress(`tag = 'ffffffff' WHERE group_id = 'g1'`);
  expect((await sold('by=day')).headers.get(headers.lagMs)).toBe('unknown');
  expect((await sold('by=day', patient)).status).toBe(503);
  expect((await sold('by=day&from=2020-01-01')).status).toBe(400);
});

it('a position is kept through reads that do not concern it', async () => {
  const [mine, theirs] = [keyOf('g1', 'oats'), keyOf('g2', 'oats')];
  const here = await write(product(mine, 100));
  const there = await write(product(theirs, 100));
  const pending = newOrderId({ customerId: keyOf('g1', 'abe'), nowMs: Date.now(), random: randomBytes(10) });
  const brought = formatPosition(positionOf([here.position, there.position], [pending]));
  const got = await get(`/products/${mine}`, { [headers.position]: brought });
  expect(got.headers.get(headers.position)).toBe(brought);
});

it('a reader gets a problem if no node fulfils its greatest lag', async () => {
  expect((await get('/products', { [headers.lagMsMax]: '0' })).status).toBe(200);
  expect((await get('/products', { [headers.lagMsMax]: 'soon' })).body).toMatchObject({
    faults: [{ at: 'header.ecomarket-max-lag-ms' }],
  });
});

it('bad input is answered with every violation', async () => {
  const violationsOf = async (path: string, sent?: Record<string, string>) => {
    const { status, body } = await get<{ faults?: { at: string }[] }>(path, sent);
    return [status, ...(body.faults ?? []).map(({ at }) => at).sort()];
  };
  expect(await violationsOf('/orders/42')).toEqual([400, 'path.orderId']);
  expect(await violationsOf('/orders?limit=0')).toEqual([400, 'query.customerId', 'query.limit']);
  expect(await violationsOf('/orders?customerId=a&after=yesterday')).toEqual([400, 'query.after']);
  expect(await violationsOf('/products?after=%00')).toEqual([400, 'query.after']);
  expect(await violationsOf('/inventory?after=a')).toEqual([400, 'query.after']);
  const found = await find('a', '?after=%00');
  expect([found.status, ...(found.body.faults ?? []).map(({ at }) => at).sort()]).toEqual([
    400,
    '/email',
    'query.after',
  ]);
  expect(await violationsOf('/statistics/sales?after=%00')).toEqual([400, 'query.after']);
  expect(await violationsOf('/statistics/sales?from=0000-01-01')).toEqual([400, 'query.from']);
  expect(await violationsOf('/statistics/sales?to=0001-01-01')).toEqual([200]);
  for (const from of ['0001-01-01T00:00:00%2B00:01', '2026-12-31T23:59:60Z', '2026-02-30T00:00:00Z']) {
    expect(await violationsOf(`/orders?customerId=a&from=${from}`)).toEqual([400, 'query.from']);
    expect(await violationsOf(`/sales?to=${from}`)).toEqual([400, 'query.to']);
  }
  for (const from of ['2026-11-24T00:00:00-23:59', '2026-11-24t00:00:00z', `2026-11-24T00:00:00.${'1'.repeat(100)}Z`]) {
    expect(await violationsOf(`/orders?customerId=a&from=${from}`)).toEqual([200]);
    expect(await violationsOf(`/sales?to=${from}`)).toEqual([200]);
  }
  expect(await violationsOf('/orders?customerId=a&from=0000-01-01T00:00:00Z')).toEqual([400, 'query.from']);
  expect(
    await violationsOf('/orders?customerId=a&after=0000-01-01T00:00:00Z/00000000-0000-7000-8000-000000000000'),
  ).toEqual([400, 'query.after']);
  expect(await violationsOf('/changes?topic=gossip&group=g1&after=-1')).toEqual([400, 'query.after', 'query.topic']);
  expect(await violationsOf('/changes?topic=orders')).toEqual([400, 'query.group']);
  expect(await violationsOf('/changes?topic=orders&group=g9')).toEqual([400, 'query.group']);
  expect(await violationsOf('/products', { [headers.position]: 'g1=x.y.z, nonsense' })).toEqual([
    400,
    ...Array<string>(4).fill('header.ecomarket-position'),
  ]);
});

it('a position that no node has reached is refused after the wait, not before', async () => {
  const { position } = await write(product(keyOf('g1', 'salt')));
  const future = formatPosition(positionOf([{ ...position, seq: position.seq + 1_000 }]));
  const refused = await get('/products', { [headers.position]: future });
  expect(refused).toMatchObject({ status: 503, body: { type: 'urn:ecomarket:problem:not-fresh' } });
  expect(refused.headers.get('retry-after')).toBe('1');
  const lost = formatPosition(positionOf([{ ...position, tag: 'ffffffff' }]));
  expect(await get('/products', { [headers.position]: lost })).toMatchObject({ status: 410 });
  expect((await get('/products')).status).toBe(200);
});

it('routes for operators: replication, readiness, metrics, the document', async () => {
  const { body } = await get<{ nodes: Json[] }>('/replication');
  expect(body.nodes).toMatchObject([
    { group: 'g1', node: 'g1-1', reachable: true, role: 'primary', lagMs: 0, fault: null },
    { group: 'g2', node: 'g2-1', reachable: true, role: 'primary', lagMs: 0, fault: null },
  ]);
  expect((await get('/health/ready')).status).toBe(200);
  const metrics = await (await fetch(`${service.operatorsUrl}/metrics`)).text();
  expect(metrics).toMatch(/eco_reads_total\{node="g2-1",role="primary"\} [1-9]/);
  const response = await fetch(`${service.operatorsUrl}/docs-json`);
  const document = (await response.json()) as { paths: Json };
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/orders/{orderId}', '/orders', '/products', '/inventory', '/changes', '/replication']),
  );
});

describe('a branch', () => {
  const getAs = async <T = Json>(path: string, index = 0) =>
    get<T>(path, await OwnToken.ofBranch(branchKeys[index] as BranchKey).header());

  it('sees the PINs of its own staff, and of nobody else', async () => {
    const add = `
      INSERT INTO identity.account (account_id, login_hash, login, role, branch_id, scopes, pin_hash, pin_id_key, disabled_at)
      VALUES ($1::uuid, sha256(uuid_send($1::uuid)), $1::uuid::text, 'cashier', $2::text, '{}', 'hash of ' || $2::text,
        decode(repeat('ab', 16), 'hex'), $3::timestamptz)`;
    const ids = Array.from({ length: 3 }, () => randomUUID());
    await groups[0]?.asSuperuser(add, [ids[0], 'sucursal-1', null]);
    await groups[0]?.asSuperuser(add, [ids[1], 'sucursal-2', null]);
    await groups[0]?.asSuperuser(add, [ids[2], 'sucursal-1', '2026-01-01']);
    for (const [index, branchId] of ['sucursal-1', 'sucursal-2'].entries()) {
      const { status, body } = await getAs<{ pins: Json[] }>('/branch/pins', index);
      expect(status).toBe(200);
      expect(body.pins).toEqual([
        {
          accountId: ids[index],
          loginHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          role: 'cashier',
          pinHash: `hash of ${branchId}`,
          idKey: 'ab'.repeat(16),
        },
      ]);
    }
  });

  it('learns the clock and the buckets of each group', async () => {
    const { body } = await getAs<{ groups: { group: string; buckets: number; ownedBuckets: number[] }[] }>(
      '/branch/groups',
    );
    expect(body.groups.map(({ group, buckets }) => [group, buckets])).toEqual([
      ['g1', BUCKETS_DEFAULT],
      ['g2', BUCKETS_DEFAULT],
    ]);
    expect(body.groups.flatMap(({ ownedBuckets }) => ownedBuckets).sort((a, b) => a - b)).toEqual(
      Array.from({ length: BUCKETS_DEFAULT }, (_, bucket) => bucket),
    );
  });

  it('learns whether an order is of another branch, and nothing else of it', async () => {
    const customerId = keyOf('g2', 'nora');
    const placed = order(customerId, [{ productId: keyOf('g2', 'rye'), quantity: 1 }], 'sucursal-1');
    await write(product(keyOf('g2', 'rye')), placed);
    const isForeign = async (id: string, index: number) => (await getAs(`/branch/ownership/orders/${id}`, index)).body;
    expect(await isForeign(placed.id, 0)).toEqual({ isForeign: false });
    expect(await isForeign(placed.id, 1)).toEqual({ isForeign: true });
    expect(await isForeign(randomUUID(), 1)).toEqual({ isForeign: false });
  });

  it('gets the result of a command only with the hash of its body', async () => {
    const customerId = keyOf('g1', 'olga');
    const placed = order(customerId, [{ productId: keyOf('g1', 'rye'), quantity: 1 }], 'sucursal-1');
    await write(product(keyOf('g1', 'rye')), placed);
    const status = async (hash: string, notAfter = '2999-01-01T00:00:00.000Z', id = placed.id) =>
      (
        await getAs(
          `/branch/commands/${id}?${new URLSearchParams({ key: customerId, notAfter, bodyHash: hash }).toString()}`,
        )
      ).body;
    const known = await status(bodyHash(placed));
    expect(known).toMatchObject({ type: 'outcome', status: 'done', bodyHash: bodyHash(placed) });
    expect(known['result']).not.toEqual({});
    expect(await status('0'.repeat(64))).toEqual({ ...known, result: {} });
    const unknown = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
    expect(await status('0'.repeat(64), '2000-01-01T00:00:00.000Z', unknown)).toEqual({ type: 'never' });
    expect(await status('0'.repeat(64), '2999-01-01T00:00:00.000Z', unknown)).toEqual({ type: 'open' });
  });

  describe('that follows changes', () => {
    type Page = { changes: Change[]; upToSeq: number; next: string; more: boolean };
    const shelf = keyOf('g2', 'branch-shelf');
    let start: WrittenBatch;

    beforeAll(async () => {
      start = await write(product(shelf, 100, 50));
      const takers = ['sucursal-1', 'sucursal-2', null, null, 'sucursal-2', null, 'sucursal-1', null, null];
      const customerId = keyOf('g2', 'follower');
      const orders = takers.map((taker) => order(customerId, [{ productId: shelf, quantity: 1 }], taker));
      await write(...orders.slice(0, 5));
      await write(...orders.slice(5));
      const [first] = orders;
      await write(commandOf('order.cancel', { orderId: first?.id ?? '', customerId }));
    });

    /** Reads page by page to the end. */
    async function followed(topic: string, limit: number, index: number) {
      const pages: Page[] = [];
      let next = `${start.position.term}.${start.position.tag}.${start.position.seq}`;
      for (let more = true; more;) {
        const path = `/branch/changes?topic=${topic}&group=g2&after=${next}&limit=${limit}`;
        const { status, body } = await getAs<Page>(path, index);
        expect(status).toBe(200);
        pages.push(body);
        ({ next, more } = body);
      }
      return { pages, changes: pages.flatMap(({ changes }) => changes), next };
    }

    it.each([1, 2, 3, 4, 500])('sees exactly its own orders, in order, in pages of %i', async (limit) => {
      const { body: all } = await get<Page>(`/changes?topic=orders&group=g2&after=${start.position.seq}&limit=1000`);
      for (const [index, branchId] of ['sucursal-1', 'sucursal-2'].entries()) {
        const { pages, changes, next } = await followed('orders', limit, index);
        expect(changes).toEqual(all.changes.filter(({ data }) => data['branchId'] === branchId));
        expect(changes.length).toBeGreaterThan(1);
        expect(next).toBe(all.next);
        if (limit === 1) expect(pages.some((page) => page.more && page.changes.length === 0)).toBe(true);
      }
    });

    it('sees the whole catalogue', async () => {
      const { body: all } = await get<Page>(`/changes?topic=products&group=g2&after=${start.position.seq}&limit=1000`);
      expect((await followed('products', 1, 1)).changes).toEqual(all.changes);
    });

    it('can’t follow a topic that is not for branches, and gets 410 for a lost cursor', async () => {
      for (const topic of ['customers', 'carts', 'stock', 'sales']) {
        const { status } = await getAs(`/branch/changes?topic=${topic}&group=g2`);
        expect([topic, status]).toEqual([topic, 400]);
      }
      const gone = await eventually('the cursor is gone', async () => {
        const got = await getAs('/branch/changes?topic=orders&group=g2&after=999999999');
        return got.status !== 503 && got;
      });
      expect(gone).toMatchObject({ status: 410, body: { type: 'urn:ecomarket:problem:position-lost' } });
    });
  });

  it('takes over its levels and what is on its way to it, and sees nothing of other branches', async () => {
    const [one, two] = [keyOf('g2', 'taken'), keyOf('g2', 'taken', 100)];
    type Levels = { incarnation: number | null; cursor: string; levels: Json[]; inTransit: Json[] };
    const levels = async (index: number) => (await getAs<Levels>('/branch/levels?group=g2', index)).body;
    const entry = (sequence: number) => ({ branchId: 'sucursal-1', incarnation: 1, sequence });
    const idOf = (productId: string) =>
      newOrderId({ customerId: productId, nowMs: Date.now(), random: randomBytes(10) });
    const granted = (productId: string) => {
      const asked = { transferId: idOf(productId), branchId: 'sucursal-1', productId, quantity: 4, remaining: 0 };
      return commandOf('quota.fetch', asked);
    };
    await groups[1]?.asSuperuser(
      `INSERT INTO eco.location VALUES ('sucursal-1'), ('sucursal-2') ON CONFLICT DO NOTHING`,
    );
    await write(product(one, 100, 100), product(two, 100, 100));
    expect(await levels(0)).toMatchObject({ incarnation: null, levels: [], inTransit: [] });
    const [arrived, open] = [granted(one), granted(two)];
    const sent = { transferId: idOf(one), productId: one, from: 'central', to: 'sucursal-2', quantity: 7 };
    await write(
      commandOf('branch.report', entry(1)),
      arrived,
      open,
      commandOf('quota.accept', { ...entry(2), transferId: arrived.id, productId: one }),
      commandOf('transfer.send', sent),
    );
    expect(await levels(0)).toMatchObject({
      incarnation: 1,
      levels: [{ productId: one, onHand: 4 }],
      inTransit: [{ transferId: open.id, productId: two, quantity: 4, kind: 'granted' }],
    });
    expect(await levels(1)).toMatchObject({
      incarnation: null,
      levels: [],
      inTransit: [{ transferId: sent.transferId, productId: one, quantity: 7, kind: 'sent' }],
    });
  });

  it('learns which sessions were revoked', async () => {
    const sessionId = randomUUID();
    await groups[0]?.asSuperuser(
      `INSERT INTO identity.session (session_id, account_id, idle_until, ends_at, revoked_at)
       SELECT $1, account_id, now(), now(), '2026-01-02' FROM identity.account LIMIT 1`,
      [sessionId],
    );
    const revokedMs = Date.parse('2026-01-02T00:00:00Z');
    const after = async (ms: number) =>
      (await getAs<{ sessions: Json[] }>(`/branch/revoked-sessions?after=${ms}`)).body;
    expect((await after(revokedMs - 1)).sessions).toContainEqual({ sessionId, revokedMs });
    expect((await after(revokedMs)).sessions).not.toContainEqual({ sessionId, revokedMs });
  });
});

describe('what the head office sees of branches', () => {
  const branchId = keyOf('g2', 'branch');
  const [cafe, mate] = [keyOf('g2', 'quota'), keyOf('g2', 'quota', 100)].sort() as [string, string];
  const entry = (sequence: number) => ({ branchId, incarnation: 1, sequence });
  const idFor = (key: string) => newOrderId({ customerId: key, nowMs: Date.now(), random: randomBytes(10) });
  const saleOf = (sequence: number, soldAt: string, quantity: number) =>
    commandOf('sale.record', {
      ...{ ...entry(sequence), saleId: idFor(branchId), till: '1', shiftId: idFor(branchId), soldAt, customerId: null },
      receiptNumber: `A-${branchId}-1-1-${sequence}`,
      lines: [{ productId: cafe, name: 'Café', quantity, unitPriceCents: 100, taxBasisPoints: 1600 }],
      payment: { cashCents: quantity * 100, cardCents: 0, changeCents: 0, roundingCents: 0 },
      totalCents: quantity * 100,
    });
  const sales = [
    saleOf(3, '2026-11-28T10:00:00.000Z', 3),
    saleOf(4, '2026-11-29T10:00:00.000Z', 5),
    saleOf(5, '2026-11-29T11:00:00.000Z', 1),
  ] as const;
  const asManagerOf = (id: string) => callers.as({ id: 'manager', role: 'branch-manager', branchId: id });
  type Page = { items: Json[]; next: string | null };

  beforeAll(async () => {
    for (const group of groups) {
      await group.asSuperuser('INSERT INTO eco.location VALUES ($1) ON CONFLICT DO NOTHING', [branchId]);
    }
    await write(product(cafe, 100, 100), product(mate, 100, 100));
    const granted = (productId: string) =>
      commandOf('quota.fetch', { transferId: idFor(productId), branchId, productId, quantity: 6, remaining: 0 });
    const [arrived, open] = [granted(cafe), granted(mate)];
    await write(
      commandOf('branch.report', entry(1)),
      arrived,
      open,
      commandOf('quota.accept', { ...entry(2), transferId: arrived.id, productId: cafe }),
    );
    await write(commandOf('quota.write-off', { branchId, productId: cafe, quantity: 1, reason: 'spec' }));
    await write(...sales);
  });

  it('units by branch and product, also those that are only on their way', async () => {
    const { status, body } = await get<Page>(`/quotas?branchId=${branchId}`);
    const known = { branchId, since: null, quarantine: 0, isSilent: false, frozenReason: null };
    expect(status).toBe(200);
    expect(body).toMatchObject({
      items: [
        // 5 of 6 units remained after the write-off. The sales of 9 took them, the unit written off, and 3 more.
        { ...known, productId: cafe, granted: 5, spent: 5, remaining: 0, inTransit: 0, writtenOff: 0, discrepancy: 3 },
        { ...known, productId: mate, granted: 0, spent: 0, remaining: 0, inTransit: 6, writtenOff: 0, discrepancy: 0 },
      ],
      next: null,
    });
    expect(body.items.map(({ contactAt }) => typeof contactAt)).toEqual(['string', 'string']);
    const first = await get<Page>(`/quotas?branchId=${branchId}&limit=1`);
    expect(first.body).toMatchObject({ items: [{ productId: cafe }], next: `${branchId}/${cafe}` });
    const after = encodeURIComponent(first.body.next ?? '');
    expect((await get<Page>(`/quotas?branchId=${branchId}&limit=1&after=${after}`)).body).toMatchObject({
      items: [{ productId: mate }],
      next: null,
    });
    expect((await get<Page>(`/quotas?after=${after}&limit=1`)).body.items).toMatchObject([
      { branchId, productId: mate },
    ]);
    expect((await get(`/quotas?after=nowhere/`)).status).toBe(400);
    expect(await (await getCsv(`/quotas?branchId=${branchId}`)).text()).toContain(`"${branchId}","${mate}"`);
  });

  it('sales by branch and period, newest first, with what exceeded the quota', async () => {
    const ids = ({ items }: Page) => items.map(({ saleId }) => saleId);
    const [oldest, older, newest] = sales;
    const { body } = await get<Page>(`/sales?branchId=${branchId}&limit=2`);
    expect(ids(body)).toEqual([newest.id, older.id]);
    expect(body.items[1]).toMatchObject({ branchId, totalCents: 500, isLate: false, voidedAt: null });
    const after = encodeURIComponent(body.next ?? '');
    expect(ids((await get<Page>(`/sales?branchId=${branchId}&limit=2&after=${after}`)).body)).toEqual([oldest.id]);
    expect(ids((await get<Page>(`/sales?to=2026-11-29T00:00:00Z`)).body)).toEqual([oldest.id]);
    expect(ids((await get<Page>(`/sales?from=2026-11-29T10:30:00Z`)).body)).toEqual([newest.id]);
    expect((await get(`/sales/${newest.id}`)).body).toMatchObject({ saleId: newest.id, lines: [{ quantity: 1 }] });
    expect((await get(`/sales/${older.id}`)).body).toMatchObject({ excess: [{ productId: cafe, quantity: 2 }] });
    expect((await get(`/sales/${idFor(branchId)}`)).status).toBe(404);
    expect((await get(`/sales?after=2026/x`)).status).toBe(400);
  });

  it('a branch manager sees the own branch only, and a cashier nothing', async () => {
    const [{ id }] = sales;
    const own = await asManagerOf(branchId);
    const other = await asManagerOf('sucursal-1');
    expect((await get<Page>('/sales', own)).body.items).toHaveLength(3);
    expect((await get<Page>('/sales', other)).body.items).toEqual([]);
    expect((await get(`/sales/${id}`, own)).status).toBe(200);
    expect((await get(`/sales/${id}`, other)).status).toBe(404);
    expect((await get<Page>('/quotas', own)).body.items).toHaveLength(2);
    expect((await get(`/quotas?branchId=${branchId}`, other)).status).toBe(403);
    const cashier = await callers.as({ id: 'till', role: 'cashier', branchId });
    for (const path of ['/quotas', '/sales', `/sales/${id}`]) expect((await get(path, cashier)).status).toBe(403);
  });
});
