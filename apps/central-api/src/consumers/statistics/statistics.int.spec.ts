import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { sumsOfChanges, type Sum } from '@eco/api/reads';
import { ConsumerStore } from '@eco/consumers';
import type { CommandBody, CommandKind, CommandOf, Topic } from '@eco/contracts';
import { brokenChecks, FIGURES, loginRoles, verifyGroup, type Figures, type LoginRole } from '@eco/database';
import { prepareGroup } from '@eco/database/prepare';
import { ChangesReader, Reads, type Summary } from '@eco/reads';
import { newOrderId, NO_POSITION } from '@eco/routing';
import { createFrame, type Frame } from '@eco/service';
import { BatchWriter, commandOf, saleOf, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { statisticsConsumer } from './statistics.consumer.js';

/*
 * Goal: the statistics agree with the ledger. Batches are written as the writer writes them. The database sums up their
 * changes, and the consumer adds the sums. The result is compared with a naive model and by `eco verify`.
 */

const PRODUCTS = { te: 100, pan: 250, ron: 999 } as const;
const BRANCHES = [null, 'sucursal-1'];

let group: DatabaseGroup;
let writer: BatchWriter;
let store: ConsumerStore;
let frame: Frame;
let reads: Reads;
let changes: ChangesReader;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  writer = await BatchWriter.open(group);
  store = new ConsumerStore({
    consumer: statisticsConsumer,
    nodes: () => group.servers.map(({ host, port }) => ({ node: { host, port }, role: 'primary' })),
    password: group.login('eco_statistics').password,
    applicationName: 'spec',
  });
  frame = createFrame({ name: 'spec', host: '127.0.0.1', port: 0, logLevel: 'silent' });
  reads = new Reads({
    groups: [{ id: group.id, nodes: group.servers.map(({ host, port }) => ({ host, port })) }],
    login: group.login('eco_reader'),
    applicationName: 'spec',
    log: frame.log,
    registry: frame.metrics.registry,
  });
  await reads.start();
  changes = new ChangesReader(reads);
  for (const [productId, priceCents] of Object.entries(PRODUCTS)) {
    await writer.write(commandOf('product.create', { productId, name: productId, priceCents, stock: 1_000 }));
  }
}, 120_000);
afterAll(async () => {
  reads?.stop();
  await store?.close();
  await writer?.close();
  await group?.stop();
});

const server = () => group.servers[0] as DatabaseGroup['servers'][number];
const violations = async () => brokenChecks(await verifyGroup(server(), group.login('eco_operator')));

function prepare(timeZone?: string): Promise<void> {
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, group.login(role).password]));
  return prepareGroup({
    primary: server(),
    superuser: group.superuser,
    groupId: group.id,
    groupIds: [group.id],
    buckets: group.buckets,
    passwords: passwords as Record<LoginRole, string>,
    timeZone,
  });
}

/** Applies new changes in pages of these sizes; a page may end inside a batch. */
async function catchUp(size: () => number): Promise<void> {
  await writer.confirm();
  for (const [topic, summary] of Object.entries(sumsOfChanges) as [Topic, Summary<Sum>][]) {
    while (await applyPage(topic, summary, size()));
  }
}

async function applyPage(topic: Topic, summary: Summary<Sum>, limit: number): Promise<boolean> {
  const from = await store.applied(group.id, topic);
  const { term, tag, seq, n } = from;
  const after = { seq, ...(n === null ? {} : { n }), ...(tag === '' ? {} : { leadership: { term, tag } }) };
  const request = { group: group.id, topic, after, limit };
  const page = await changes.summarize(request, summary, { position: NO_POSITION, waitMs: 0 });
  if (page.type !== 'page') throw new Error(`no page: ${page.type}`);
  if (page.changeCount === 0) return false;
  const { leadership = { term: 0, tag: '' }, seq: toSeq, n: toN = null } = page.next;
  const to = { ...leadership, seq: toSeq, n: toN };
  await store.advance({ groupId: group.id, topic, from, to }, (manager) =>
    statisticsConsumer.apply(manager, page.rows, group.id),
  );
  return true;
}

interface Bought {
  readonly orderId: string;
  readonly customerId: string;
  readonly branchId: string | null;
  readonly lines: { productId: keyof typeof PRODUCTS; quantity: number }[];
  readonly returned: Map<string, number>;
  cancelled: boolean;
  /** True: it was sold at a branch's till. */
  readonly isSale?: boolean;
}

/** Every confirmed order and every sale, according to the client's reply. */
const bought: Bought[] = [];
let customers = 0;
let entries = 0;

/** Expected sums of the tables for these orders, of one product or of all. */
function modelOf(orders: readonly Bought[], product?: string): Figures {
  const figures = Object.fromEntries(FIGURES.map((figure) => [figure, 0])) as Figures;
  for (const { lines, returned, cancelled, isSale } of orders) {
    const own = lines.filter(({ productId }) => product === undefined || productId === product);
    if (own.length === 0) continue;
    const units = own.reduce((sum, { quantity }) => sum + quantity, 0);
    const cents = own.reduce((sum, { productId, quantity }) => sum + quantity * PRODUCTS[productId], 0);
    figures.orders += 1;
    figures.units += units;
    figures.revenue_cents += cents;
    if (cancelled) {
      figures.cancelled_orders += 1;
      figures.cancelled_units += units;
      figures.cancelled_cents += cents;
    }
    const back = own.map(({ productId }) => ({ productId, quantity: returned.get(productId) ?? 0 }));
    const backUnits = back.reduce((sum, { quantity }) => sum + quantity, 0);
    if (backUnits === units && isSale !== true) figures.returned_orders += 1;
    figures.returned_units += backUnits;
    figures.returned_cents += back.reduce((sum, { productId, quantity }) => sum + quantity * PRODUCTS[productId], 0);
  }
  return figures;
}

async function counted(table: 'branch_day' | 'product_day', where: string, value: string): Promise<Figures> {
  const [row] = await group.asSuperuser(
    `SELECT ${FIGURES.map((figure) => `coalesce(sum(${figure}), 0)::int AS ${figure}`).join(', ')}
     FROM statistics.${table} WHERE ${where} = $1`,
    [value],
  );
  return row as unknown as Figures;
}

/** A command of this kind for an existing order or for none, and its effect on the model. */
interface Step {
  readonly kind: 'place' | 'reserve' | 'cancel' | 'fulfil' | 'return' | 'register' | 'sell' | 'void' | 'bring';
  readonly which: number;
  readonly quantities: number[];
}
const steps = fc.array(
  fc.array(
    fc.record<Step>({
      kind: fc.constantFrom<Step['kind']>(
        ...['place' as const, 'place' as const, 'reserve' as const, 'cancel' as const, 'fulfil' as const],
        ...['fulfil' as const, 'return' as const, 'return' as const, 'register' as const],
        ...['sell' as const, 'sell' as const, 'void' as const, 'bring' as const],
      ),
      which: fc.nat(1_000),
      quantities: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  { minLength: 1, maxLength: 6 },
);

function commandsOf(
  { kind, which, quantities }: Step,
  known: readonly Bought[],
): [CommandOf<CommandKind>, () => void][] {
  const branchId = BRANCHES[which % 2] ?? null;
  const customerId = `customer-${which}`;
  const productIds = Object.keys(PRODUCTS) as (keyof typeof PRODUCTS)[];
  const lines = productIds.flatMap((productId, index) => {
    const quantity = quantities[index] ?? 0;
    return quantity === 0 ? [] : [{ productId, quantity }];
  });
  const nothing = () => undefined;
  if (kind === 'register') {
    const id = `new-${(customers += 1)}`;
    return [[commandOf('customer.register', { customerId: id, name: 'N', email: 'n@example.com', branchId }), nothing]];
  }
  if (lines.length === 0) return [];
  if (kind === 'sell') {
    // A product may be in two lines of a sale.
    const sold = lines.flatMap(({ productId, quantity }) =>
      quantity < 3
        ? [{ productId, quantity }]
        : [
            { productId, quantity: 2 },
            { productId, quantity: quantity - 2 },
          ],
    );
    const branchId = 'sucursal-1';
    const priced = ({ productId, quantity }: (typeof sold)[number]) => ({
      ...{ productId, quantity, name: productId, unitPriceCents: PRODUCTS[productId], taxBasisPoints: 0 },
    });
    const sale = saleOf({ branchId, incarnation: 1, sequence: (entries += 1) }, sold);
    const body = { ...(sale.command.body as CommandBody<'sale.record'>), lines: sold.map(priced) };
    const { id } = sale.command;
    const made: Bought = {
      orderId: id,
      customerId,
      branchId,
      lines,
      returned: new Map(),
      cancelled: false,
      isSale: true,
    };
    const command = { ...sale.command, body } as CommandOf<'sale.record'>;
    return [[command, () => void bought.push(made)]];
  }
  if (kind === 'void' || kind === 'bring') {
    const sales = known.filter(({ isSale }) => isSale);
    const sale = sales[which % Math.max(1, sales.length)];
    if (sale === undefined) return [];
    const entry = { branchId: 'sucursal-1', incarnation: 1, sequence: (entries += 1) };
    const at = new Date().toISOString();
    if (kind === 'void') {
      const body = { ...entry, saleId: sale.orderId, voidedAt: at, reason: 'wrong' };
      return [[commandOf('sale.void', body), () => void (sale.cancelled = true)]];
    }
    const back = sale.lines.map((line) => ({ ...line, unitPriceCents: PRODUCTS[line.productId] }));
    const returnId = newOrderId({ customerId: entry.branchId, nowMs: Date.now(), random: randomBytes(10) });
    const facts = { saleId: sale.orderId, returnedAt: at, reason: 'broken', lines: back, refundCents: 0 };
    const take = () =>
      back.forEach(({ productId, quantity }) =>
        sale.returned.set(productId, (sale.returned.get(productId) ?? 0) + quantity),
      );
    return [[commandOf('sale.return', { ...entry, returnId, ...facts }), take]];
  }
  const orderId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
  const order: Bought = { orderId, customerId, branchId, lines, returned: new Map(), cancelled: false };
  const buy = () => void bought.push(order);
  if (kind === 'place') return [[commandOf('order.place', { orderId, customerId, branchId, lines }), buy]];
  if (kind === 'reserve') {
    const reservationId = newOrderId({ customerId, nowMs: Date.now(), random: randomBytes(10) });
    return [
      [commandOf('reservation.create', { reservationId, customerId, branchId, lines, ttlSeconds: 600 }), nothing],
      [commandOf('reservation.confirm', { orderId, reservationId, customerId, branchId }), buy],
    ];
  }
  const orders = known.filter(({ isSale }) => !isSale);
  const target = orders[which % Math.max(1, orders.length)];
  if (target === undefined) return [];
  const of = { orderId: target.orderId, customerId: target.customerId };
  if (kind === 'cancel') return [[commandOf('order.cancel', of), () => void (target.cancelled = true)]];
  if (kind === 'fulfil') return [[commandOf('order.fulfil', of), nothing]];
  const back = target.lines.flatMap(({ productId }, index) => {
    const quantity = quantities[index] ?? 0;
    return quantity === 0 ? [] : [{ productId, quantity }];
  });
  if (back.length === 0) return [];
  const take = () =>
    back.forEach(({ productId, quantity }) =>
      target.returned.set(productId, (target.returned.get(productId) ?? 0) + quantity),
    );
  return [[commandOf('order.return', { ...of, location: 'central', lines: back }), take]];
}

/** Writes the batches, applies their changes in parts of these sizes, and compares the tables with the model. */
async function countsLikeTheModel(batches: readonly Step[][], size: () => number): Promise<void> {
  for (const batch of batches) {
    const known = [...bought];
    const commands = batch.flatMap((step) => commandsOf(step, known));
    if (commands.length === 0) continue;
    const { replies } = await writer.write(...commands.map(([command]) => command));
    // In the order of the decisions: a return of more than is left is refused.
    for (const reply of replies) {
      if (reply.type !== 'outcome' || reply.status !== 'done' || reply.repeated) continue;
      commands.find(([command]) => command.id === reply.commandId)?.[1]();
    }
    if (batch.length % 2 === 0) await catchUp(size);
  }
  // Statistics that are behind agree with the ledger up to their position.
  expect(await violations()).toEqual([]);
  await catchUp(size);
  for (const branchId of BRANCHES) {
    const orders = bought.filter((each) => each.branchId === branchId);
    expect(await counted('branch_day', 'branch_id', branchId ?? '')).toEqual(modelOf(orders));
  }
  for (const product of Object.keys(PRODUCTS)) {
    expect(await counted('product_day', 'product_id', product)).toEqual(modelOf(bought, product));
  }
  expect(await violations()).toEqual([]);
}

it('after a history with every kind of command, the counts are those of the naive model', async () => {
  const step = (kind: Step['kind'], which: number): Step => ({ kind, which, quantities: [2, 1, 0] });
  await countsLikeTheModel(
    [
      [step('place', 0), step('place', 1), step('reserve', 2), step('register', 0)],
      [step('fulfil', 0), step('cancel', 1), step('sell', 0), step('sell', 1)],
      [step('return', 0), step('void', 0), step('bring', 1)],
    ],
    () => 2,
  );
  expect(bought.map(({ returned, cancelled }) => [returned.size > 0, cancelled])).toEqual([
    [true, false],
    [false, true],
    [false, false],
    [false, true],
    [true, false],
  ]);
});

it('after any history of orders, applied in parts of any size, the counts are those of the naive model and agree with the ledger', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (batches, sizes) =>
      countsLikeTheModel(batches, () => Number(sizes.next().value)),
    ),
    { numRuns: 8, endOnFailure: true },
  );
  const [row] = await group.asSuperuser('SELECT sum(registrations)::int AS registrations FROM statistics.branch_day');
  expect(row).toEqual({ registrations: customers });
});

it('another time zone counts everything again by its days, and a start without one keeps it', async () => {
  const daysOf = async () => {
    const rows = await group.asSuperuser<{ day: string; orders: number }>(
      'SELECT day::text, sum(orders)::int AS orders FROM statistics.branch_day GROUP BY 1 HAVING sum(orders) > 0 ORDER BY 1',
    );
    return Object.fromEntries(rows.map(({ day, orders }) => [day, orders]));
  };
  const before = await daysOf();
  for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC']) {
    await prepare(timeZone);
    const rows = await group.asSuperuser<{ day: string; orders: number }>(
      `SELECT (o.at AT TIME ZONE $1)::date::text AS day, count(*)::int AS orders FROM (
         SELECT o.decided_at AS at FROM eco.orders o WHERE o.status <> 'rejected'
         UNION ALL SELECT s.sold_at FROM eco.sale s) o
       GROUP BY 1`,
      [timeZone],
    );
    expect(await daysOf()).toEqual(Object.fromEntries(rows.map(({ day, orders }) => [day, orders])));
    expect(await violations()).toEqual([]);
    await prepare();
    expect(await group.asSuperuser(`SELECT time_zone FROM statistics.calendar`)).toEqual([{ time_zone: timeZone }]);
  }
  expect(await daysOf()).toEqual(before);
  await expect(prepare('Mars/Olympus')).rejects.toThrow(/does not know the time zone Mars\/Olympus/);
  expect(await group.asSuperuser(`SELECT time_zone FROM statistics.calendar`)).toEqual([{ time_zone: 'UTC' }]);
});

/** Instants around midnight and their days, on days of clock changes and on others. */
const midnights: Record<string, [at: string, day: string][]> = {
  // Mexico City's midnight. It has had UTC−6 without daylight-saving time since 2022.
  'America/Mexico_City': [
    ['2025-11-24T23:59:59.999Z', '2025-11-24'],
    ['2025-11-25T00:30:00.000Z', '2025-11-24'],
    ['2025-11-25T05:59:59.999Z', '2025-11-24'],
    ['2025-11-25T06:00:00.000Z', '2025-11-25'],
    ['2025-07-25T05:59:59.999Z', '2025-07-24'],
  ],
  // 2025-03-30 has 23 hours, 2025-10-26 has 25.
  'Europe/Madrid': [
    ['2025-03-29T22:59:59.999Z', '2025-03-29'],
    ['2025-03-29T23:00:00.000Z', '2025-03-30'],
    ['2025-03-30T21:59:59.999Z', '2025-03-30'],
    ['2025-03-30T22:00:00.000Z', '2025-03-31'],
    ['2025-10-25T22:00:00.000Z', '2025-10-26'],
    ['2025-10-26T22:59:59.999Z', '2025-10-26'],
    ['2025-10-26T23:00:00.000Z', '2025-10-27'],
  ],
  // The clocks change at midnight: 2025-04-05 has the preceding hour twice, 2025-09-07 begins at one o'clock.
  'America/Santiago': [
    ['2025-04-06T02:59:59.999Z', '2025-04-05'],
    ['2025-04-06T03:30:00.000Z', '2025-04-05'],
    ['2025-04-06T04:00:00.000Z', '2025-04-06'],
    ['2025-09-07T03:59:59.999Z', '2025-09-06'],
    ['2025-09-07T04:00:00.000Z', '2025-09-07'],
    ['2025-09-08T02:59:59.999Z', '2025-09-07'],
    ['2025-09-08T03:00:00.000Z', '2025-09-08'],
  ],
};

it.each(Object.entries(midnights))('in %s a sale counts for its local day', async (timeZone, instants) => {
  await prepare(timeZone);
  const branchId = timeZone.split('/')[1] as string;
  const sold = instants.map(([at]): Sum => ({
    kind: 'sold',
    at,
    branch_id: branchId,
    product_id: 'dst',
    orders: 1,
    whole_orders: 1,
    units: 1,
    cents: 1,
  }));
  await store.write((manager) => statisticsConsumer.apply(manager, sold, 'another-group'));
  for (const table of ['branch_day', 'product_day']) {
    const rows = await group.asSuperuser<{ day: string; orders: number }>(
      `SELECT day::text, orders::int FROM statistics.${table} WHERE branch_id = $1 ORDER BY day`,
      [branchId],
    );
    const expected = new Map<string, number>();
    for (const [, day] of instants) expected.set(day, (expected.get(day) ?? 0) + 1);
    expect(rows.map(({ day, orders }) => [day, orders])).toEqual([...expected].sort());
  }
});
