import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import { saleSchema, shiftReportSchema } from '@eco/contracts';
import { eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/*
 * A day at a branch's till, and what the head office has of it. The branch is online: what it does alone is in
 * apps/sucursal-api/src/offline.spec.ts.
 */

const BRANCH = 'sucursal-1';
const productId = `till-${randomUUID().slice(0, 8)}`;
const till = randomUUID().slice(0, 8);
const lines = (quantity: number) => [{ productId, quantity }];

let system: System;
let cashier: { readonly authorization: string };
let boss: { readonly authorization: string };

beforeAll(async () => {
  system = await openSystem();
  cashier = await system.callers.as({ id: 'till', role: 'cashier', branchId: BRANCH });
  boss = await system.callers.as({ id: 'boss', role: 'branch-manager', branchId: BRANCH });
  const product = { productId, name: 'Sold at the till', priceCents: 1_000, stock: 100 };
  expect((await system.central.post('/products', product, { prefer: 'wait=30' })).status).toBe(201);
});

/** Records something at the branch. Throws unless it was recorded. */
async function record(where: string, body: object, as = cashier): Promise<Record<string, unknown>> {
  const said = await system.sucursal.post(where, body, { ...as, 'idempotency-key': randomUUID() });
  if (said.status > 201) throw new Error(`${where}: ${said.status} ${said.text}`);
  return said.body ?? {};
}
async function remaining(): Promise<number | undefined> {
  const { body } = await system.sucursal.get('/inventory', cashier);
  return (body?.['items'] as { productId: string; remaining: number }[]).find((each) => each.productId === productId)
    ?.remaining;
}
/** Waits until the head office has this number of units of the product at a place, which may sell none (quarantine). */
async function atHome(location: string, onHand: number): Promise<void> {
  const query = 'SELECT on_hand::int AS units FROM eco.stock_level WHERE product_id = $1 AND location = $2';
  await eventually(`${location} has ${onHand} at the head office`, async () => {
    const [level] = await system.sql<{ units: number }>(query, [productId, location]);
    return level?.units === onHand;
  });
}

let shiftId: string;
const sold: string[] = [];

it('sells what the head office has sent, and the head office learns of each sale once', async () => {
  const sent = await system.central.post(
    '/transfers',
    { productId, from: 'central', to: BRANCH, quantity: 30 },
    { 'idempotency-key': randomUUID(), prefer: 'wait=30' },
  );
  const transferId = sent.body?.['transferId'] as string;
  await eventually('the branch knows of the transfer', async () =>
    (await system.sucursal.get('/transfers', cashier)).text.includes(transferId),
  );
  await record(`/transfers/${transferId}/receive`, { productId });
  await record('/tills', { till, name: 'Day' }, boss);
  shiftId = shiftReportSchema.parse(await record('/shifts', { till, openingCents: 10_000 })).shiftId;
  const payment = { cash: { moneyReceivedCents: 5_000 } };
  const sales = await Promise.all(
    Array.from({ length: 8 }, async () => saleSchema.parse(await record('/sales', { till, lines: lines(2), payment }))),
  );
  sold.push(...sales.map(({ saleId }) => saleId));
  const numbers = sales.map(({ receiptNumber }) => Number(receiptNumber.split('-').at(-1))).sort((a, b) => a - b);
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(await remaining()).toBe(14);
  await atHome(BRANCH, 14);
  const stored = await system.sql<{ id: string; excess: unknown[] }>(
    'SELECT sale_id AS id, excess FROM eco.sale WHERE till = $1',
    [till],
  );
  expect(stored.map(({ id }) => id).sort()).toEqual([...sold].sort());
  expect(stored.flatMap(({ excess }) => excess)).toEqual([]);
});

it('takes back a sale and units, counts and returns units, and both sides agree', async () => {
  const [voided = '', returned = ''] = sold;
  await record(`/sales/${voided}/void`, { reason: 'wrong product' });
  await record('/returns', { till, saleId: returned, lines: lines(1), reason: 'broken' });
  await record('/returns', { till, lines: lines(1), reason: 'bought elsewhere', refund: 'card' });
  expect(await remaining()).toBe(17);
  await record(`/inventory/${productId}/counts`, { counted: 16, reason: 'one was stolen' }, boss);
  await record(`/inventory/${productId}/give-back`, { quantity: 6 }, boss);
  expect(await remaining()).toBe(10);
  await atHome(BRANCH, 10);
  await atHome(`${BRANCH}/quarantine`, 1);
  await atHome('central', 76);
});

it('closes the shift with the counted cash, and the head office has the same figures', async () => {
  const x = shiftReportSchema.parse((await system.sucursal.get(`/shifts/${shiftId}`, cashier)).body);
  expect(x).toMatchObject({ report: 'X', sales: 7, voids: 1, returns: 2, totalCents: 14_000 });
  expect(x.expectedCents).toBe(10_000 + 14_000 - 1_000);
  await record(`/shifts/${shiftId}/close`, { countedCents: x.expectedCents - 50 });
  const [stored] = await eventually('the head office has the shift', async () => {
    const rows = await system.sql(
      `SELECT sales::int, voids::int, returns::int, total_cents::int, expected_cents::int, counted_cents::int
       FROM eco.shift WHERE shift_id = $1`,
      [shiftId],
    );
    return rows.length === 1 && rows;
  });
  expect(stored).toEqual({
    ...{ sales: 7, voids: 1, returns: 2, total_cents: 14_000 },
    ...{ expected_cents: x.expectedCents, counted_cents: x.expectedCents - 50 },
  });
});

it('asks for units that a customer wanted and the branch did not hold', async () => {
  await record('/shifts', { till });
  const sale = { till, lines: lines(12), payment: { card: {} } };
  const refused = await system.sucursal.post('/sales', sale, { ...cashier, 'idempotency-key': randomUUID() });
  expect(refused).toMatchObject({ status: 409, body: { short: [{ productId, asked: 12, available: 10 }] } });
  await eventually('the head office has granted them', async () => (await remaining()) === 12);
  expect((await record('/sales', sale))['totalCents']).toBe(12_000);
  await atHome(BRANCH, 0);
});

it('leaves data that satisfies every rule', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(PROJECT_DIR, 'apps/eco/bin/eco.js'), 'verify', '--json', '--data', system.dataDir],
    { maxBuffer: 64 * 1024 * 1024 },
    // It exits with 1 if a rule is broken, and states the same as otherwise.
  ).catch((error: Error & { stdout: string }) => error);
  const { groups } = JSON.parse(stdout) as { groups: { checks: { name: string; offences: number }[] }[] };
  expect(groups.flatMap(({ checks }) => checks.filter(({ offences }) => offences > 0))).toEqual([]);
});
