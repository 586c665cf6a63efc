import { argon2Sync, hash, randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { branchTokenSecretsSchema, createBranchKey, type TokenGrant } from '@eco/access';
import { BranchDatabase } from '@eco/branch';
import {
  headers,
  receiptSchema,
  salePageSchema,
  saleSchema,
  shiftReportSchema,
  type Problem,
  type ReceivedChange,
} from '@eco/contracts';
import type { Service } from '@eco/service';
import { anonymousClientOf, Callers, eventually, specTokens } from '@eco/testing';
import { readSucursalConfig } from './config.js';
import { startSucursalApi } from './sucursal-api.js';

/*
 * A branch that can reach nothing: no broker, no read-service, no head office. It has been online before, so it has a
 * catalogue and units.
 */

const BRANCH = 'sucursal-7';
const dir = mkdtempSync(path.join(tmpdir(), 'eco-branch-'));
const branchDir = path.join(dir, 'branch');
const printed: Buffer[] = [];
let printer: Server;
let service: Service;
let start: () => Promise<Service>;

function hashOfPin(pin: string): string {
  const [memory, passes, parallelism, tagLength] = [64, 1, 1, 32];
  const nonce = randomBytes(16);
  const tag = argon2Sync('argon2id', { message: pin, nonce, memory, passes, parallelism, tagLength });
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`;
}

/** What the branch has read of its staff: rosa has the PIN 482916. */
const pins = [
  {
    accountId: '0198c5b2-7a31-4c4e-9d20-5f1c2b3a4d5e',
    loginHash: hash('sha256', 'rosa'),
    role: 'cashier',
    pinHash: hashOfPin('482916'),
    idKey: '00112233445566778899aabbccddeeff',
  },
];

const product = (productId: string, name: string, priceCents: number, n: number): ReceivedChange => ({
  type: 'product.created',
  seq: n,
  n: 0,
  commandId: `0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d0${n}`,
  at: '2026-11-29T12:00:00.000Z',
  data: { productId, name, priceCents, version: 1, ...(productId === 'pan' && { taxBasisPoints: 0 }) },
});

/** What the branch got while it was online. */
async function fillDatabase(): Promise<void> {
  const database = new BranchDatabase({
    ...{ dir: branchDir, branchId: BRANCH, name: 'filler', limitBytes: 1_000_000, series: 'A', coin: 0 },
    taxBasisPoints: 1600,
  });
  await database.home.applyChanges({
    topic: 'products',
    after: null,
    next: 'g1.1.x.3',
    changes: [
      product('cafe', 'Café Premium', 890, 1),
      product('pan', 'Pan Integral', 180, 2),
      product('quinoa', 'Quinoa', 1_250, 3),
    ],
  });
  await database.home.report(0);
  const { incarnation } = database.status;
  const levels = ['cafe', 'pan'].map((productId) => ({ productId, onHand: 100 }));
  await database.home.takeOverLevels({ incarnation, cursor: 'g1.1.x.3', levels, inTransit: [transfer] });
  expect(database.status.frozen).toBeUndefined();
  database.close();
}

const transfer = {
  transferId: '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e',
  productId: 'quinoa',
  quantity: 5,
  kind: 'sent',
  at: '2026-11-29T12:00:00.000Z',
} as const;

beforeAll(async () => {
  printer = createServer((socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => printed.push(Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => printer.listen(0, '127.0.0.1', resolve));
  await fillDatabase();
  const tokens = branchTokenSecretsSchema.parse({ ...(await specTokens), branchKey: await createBranchKey(BRANCH) });
  const secrets = path.join(dir, 'secrets.json');
  writeFileSync(secrets, JSON.stringify({ amqp: { user: `branch.${BRANCH}`, password: 'a' }, tokens }), {
    mode: 0o600,
  });
  writeFileSync(path.join(branchDir, 'pins.json'), JSON.stringify(pins), { mode: 0o600 });
  start = () =>
    startSucursalApi(
      readSucursalConfig({
        ...{ ECO_PORT: '0', ECO_OPERATORS_PORT: '0', ECO_LOG_LEVEL: 'silent' },
        ...{ ECO_BRANCH_ID: BRANCH, ECO_BRANCH_DIR: branchDir, ECO_SECRETS_FILE: secrets, ECO_GROUP_IDS: 'g1' },
        // Nothing listens on port 1.
        ...{ ECO_BROKERS: '127.0.0.1:1', ECO_READ_SERVICES: 'http://127.0.0.1:1' },
        ...{ ECO_CASH_ROUNDING_CENTS: '50', ECO_RECEIPT_HEADER: 'EcoMarket; RFC ECO010101ABC' },
        ECO_PRINTER: `127.0.0.1:${(printer.address() as AddressInfo).port}`,
      }),
    );
  service = await start();
});
afterAll(async () => {
  await service?.stop();
  await new Promise((resolve) => printer.close(resolve));
  rmSync(dir, { recursive: true });
});

const callers = new Callers(() => specTokens);
const send = anonymousClientOf(() => service.url);
const cashier: TokenGrant = { id: 'ana', role: 'cashier', branchId: BRANCH };
const manager: TokenGrant = { id: 'luis', role: 'branch-manager', branchId: BRANCH };

let keys = 0;
const newKey = () => `key-${(keys += 1)}`;
async function ask(
  method: string,
  at: string,
  body?: unknown,
  { as = cashier, key = newKey(), ...more }: { as?: TokenGrant; key?: string; accept?: string; prefer?: string } = {},
) {
  return send(method, at, body, { ...(await callers.as(as)), 'idempotency-key': key, ...more });
}
/** The text of an answer that is not JSON. */
async function text(at: string, accept: string): Promise<{ type: string | null; body: Buffer }> {
  const response = await fetch(service.url + at, { headers: { ...(await callers.as(cashier)), accept } });
  return { type: response.headers.get('content-type'), body: Buffer.from(await response.arrayBuffer()) };
}
const problemOf = ({ status, body }: { status: number; body: Record<string, unknown> }) => [
  status,
  (body as unknown as Problem).type.replace('urn:ecomarket:problem:', ''),
];
const cash = (moneyReceivedCents: number) => ({ cash: { moneyReceivedCents } });
const cafe = (quantity: number) => [{ productId: 'cafe', quantity }];
const remainingOf = async (productId: string) => {
  const { body } = await ask('GET', '/inventory');
  return (body['items'] as { productId: string; remaining: number }[]).find((each) => each.productId === productId)
    ?.remaining;
};

let shiftId: string;

it('refuses to sell without a till, and without a shift', async () => {
  const sale = { lines: cafe(1), payment: cash(1_000) };
  expect(problemOf(await ask('POST', '/sales', sale))).toEqual([404, 'till-unknown']);
  expect(problemOf(await ask('POST', '/tills', { till: '1', name: 'Entrance' }))).toEqual([403, 'forbidden']);
  expect((await ask('POST', '/tills', { till: '1', name: 'Entrance' }, { as: manager })).status).toBe(201);
  expect((await ask('GET', '/tills')).body).toMatchObject({ items: [{ till: '1', name: 'Entrance' }] });
  expect(problemOf(await ask('POST', '/sales', sale))).toEqual([409, 'no-open-shift']);
  const opened = await ask('POST', '/shifts', { openingCents: 50_000 });
  expect(opened.status).toBe(201);
  shiftId = shiftReportSchema.parse(opened.body).shiftId;
  expect(problemOf(await ask('POST', '/shifts', {}))).toEqual([409, 'shift-open']);
});

it('sells for cash, with tax, rounding, change and a receipt number', async () => {
  const lines = [...cafe(2), { productId: 'pan', quantity: 3 }];
  const sold = await ask('POST', '/sales', { lines, payment: cash(5_000), customerId: 'ana' });
  expect(sold.status).toBe(201);
  expect(saleSchema.parse(sold.body)).toMatchObject({
    receiptNumber: `A-${BRANCH}-1-1-1`,
    totalCents: 2_320,
    taxCents: 246,
    changeCents: 2_700,
    payment: { cashCents: 2_300, cardCents: 0, roundingCents: -20, changeCents: 2_700 },
    taxes: [
      { taxBasisPoints: 0, totalCents: 540, taxCents: 0 },
      { taxBasisPoints: 1600, totalCents: 1_780, taxCents: 246 },
    ],
    customerId: 'ana',
    isLate: false,
  });
  const where = sold.headers.get('location') ?? '';
  expect((await ask('GET', where)).body).toEqual(sold.body);
  expect(await remainingOf('cafe')).toBe(98);
});

it('prints the receipt of a sale, and a copy on demand', async () => {
  await eventually('the receipt is printed', () => printed.length === 1);
  expect(printed[0]?.toString('latin1')).toContain(`A-${BRANCH}-1-1-1`);
  expect((await ask('POST', `/receipts/A-${BRANCH}-1-1-1/print`)).status).toBe(200);
  await eventually('the copy is printed', () => printed.length === 2);
  expect(printed[1]?.toString('latin1')).toContain('COPIA');
});

it('sells by card, and by card and cash', async () => {
  const byCard = await ask('POST', '/sales', { lines: cafe(1), payment: { card: {} } });
  expect(byCard.body).toMatchObject({ payment: { cashCents: 0, cardCents: 890, changeCents: 0, roundingCents: 0 } });
  const mixed = { card: { amountCents: 500 }, cash: { moneyReceivedCents: 400 } };
  const byBoth = await ask('POST', '/sales', { lines: cafe(1), payment: mixed });
  expect(byBoth.body).toMatchObject({ payment: { cashCents: 400, cardCents: 500, changeCents: 0, roundingCents: 10 } });
});

it.each([
  ['too little cash', cash(800), 'too-little-money'],
  ['a card that pays a part alone', { card: { amountCents: 100 } }, 'too-little-money'],
  ['a card that pays too much', { card: { amountCents: 5_000 }, ...cash(0) }, 'card-exceeds-total'],
  ['nothing', {}, 'bad-input'],
])('refuses %s with 400, and spends nothing', async (_, payment, name) => {
  const before = await remainingOf('cafe');
  expect(problemOf(await ask('POST', '/sales', { lines: cafe(1), payment }))).toEqual([400, name]);
  expect(await remainingOf('cafe')).toBe(before);
});

it('refuses what it does not hold with every short line', async () => {
  const lines = [{ productId: 'pan', quantity: 101 }, ...cafe(1_000), { productId: 'unknown', quantity: 1 }];
  const refused = await ask('POST', '/sales', { lines, payment: { card: {} } });
  expect(problemOf(refused)).toEqual([409, 'quota-short']);
  expect(refused.body).toMatchObject({
    short: [
      { productId: 'pan', asked: 101, available: 97 },
      { productId: 'cafe', asked: 1_000, available: 96 },
    ],
    unknownProducts: ['unknown'],
  });
});

it('answers a repeat with the same sale, and another request under the same key with a conflict', async () => {
  const sale = { lines: cafe(1), payment: cash(1_000) };
  const key = newKey();
  const [first, second] = [await ask('POST', '/sales', sale, { key }), await ask('POST', '/sales', sale, { key })];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body).toEqual(first.body);
  expect(second.headers.get(headers.idempotentReplayed)).toBe('true');
  expect(problemOf(await ask('POST', '/sales', { ...sale, lines: cafe(2) }, { key }))).toEqual([422, 'key-conflict']);
});

it('lists sales by page, the latest first, and counts them', async () => {
  const first = salePageSchema.parse((await ask('GET', '/sales?limit=3')).body);
  expect(first.items.map(({ receiptNumber }) => receiptNumber.split('-').at(-1))).toEqual(['4', '3', '2']);
  const rest = salePageSchema.parse((await ask('GET', `/sales?limit=3&after=${first.next}`)).body);
  expect(rest).toMatchObject({ items: [{ receiptNumber: `A-${BRANCH}-1-1-1` }], next: null });
  const { body } = await ask('GET', '/sales/stats', undefined, { as: manager });
  expect(body).toMatchObject({ count: 4, revenueCents: 2_320 + 3 * 890, averageCents: 1_248, voids: 0 });
});

it('takes back a sale in its shift, once, and its receipt says so', async () => {
  const { body: sold } = await ask('POST', '/sales', { lines: cafe(1), payment: cash(1_000) });
  const { saleId, receiptNumber } = saleSchema.parse(sold);
  const before = await remainingOf('cafe');
  const voided = await ask('POST', `/sales/${saleId}/void`, { reason: 'wrong product' });
  expect(voided.body).toMatchObject({ voidReason: 'wrong product', receiptNumber });
  expect(await remainingOf('cafe')).toBe((before ?? 0) + 1);
  expect(problemOf(await ask('POST', `/sales/${saleId}/void`, { reason: 'again' }))).toEqual([409, 'sale-voided']);
  expect((await ask('GET', `/receipts/${receiptNumber}`)).body).toMatchObject({ marks: ['void'] });
});

it('takes back units of its own sale, no more than were sold, and units of others', async () => {
  const { body: sold } = await ask('POST', '/sales', { lines: cafe(2), payment: { card: {} } });
  const { saleId } = saleSchema.parse(sold);
  const before = await remainingOf('cafe');
  const returned = await ask('POST', '/returns', { saleId, lines: cafe(1), reason: 'broken' });
  expect(returned.status).toBe(201);
  expect(returned.body).toMatchObject({ saleId, refundCents: 900, lines: [{ unitPriceCents: 890 }] });
  expect(await remainingOf('cafe')).toBe((before ?? 0) + 1);
  const tooMany = await ask('POST', '/returns', { saleId, lines: cafe(2), reason: 'broken' });
  expect(problemOf(tooMany)).toEqual([409, 'more-than-sold']);
  expect(tooMany.body['lines']).toEqual([{ productId: 'cafe', returnable: 1 }]);
  const foreign = await ask('POST', '/returns', { lines: cafe(1), reason: 'of another branch', refund: 'card' });
  expect(foreign.body).toMatchObject({ saleId: null, refundCents: 890 });
  expect(await remainingOf('cafe')).toBe((before ?? 0) + 1);
});

it('shows a receipt as JSON, text, image and printer commands', async () => {
  const at = `/receipts/A-${BRANCH}-1-1-1`;
  const { body } = await ask('GET', at);
  expect(receiptSchema.parse(body)).toMatchObject({ totalCents: 2_320, taxCents: 246, marks: [] });
  const [plain, svg, escpos] = [
    await text(`${at}?copy=true`, 'text/plain'),
    await text(at, 'image/svg+xml'),
    await text(at, 'application/octet-stream'),
  ];
  expect(plain.type).toBe('text/plain; charset=utf-8');
  expect(plain.body.toString()).toMatch(
    /RFC ECO010101ABC[^]*COPIA[^]*Café Premium[^]*Redondeo +-0\.20[^]*Cambio +27\.00/,
  );
  expect([svg.type, svg.body.toString().slice(0, 5)]).toEqual(['image/svg+xml; charset=utf-8', '<svg ']);
  expect([escpos.type, escpos.body[0], escpos.body[1]]).toEqual(['application/octet-stream', 0x1b, 0x40]);
  expect((await text(`${at}?format=text`, '*/*')).type).toBe('text/plain; charset=utf-8');
  expect(problemOf(await ask('GET', '/receipts/A-x-1-1-1'))).toEqual([404, 'receipt-unknown']);
});

it('receives goods that were announced, counts units and gives some back', async () => {
  expect((await ask('GET', '/transfers')).body).toMatchObject({ items: [{ productId: 'quinoa', quantity: 5 }] });
  const at = `/transfers/${transfer.transferId}/receive`;
  expect(problemOf(await ask('POST', at, { productId: 'pan' }))).toEqual([404, 'transfer-unknown']);
  expect((await ask('POST', at, { productId: 'quinoa' })).body).toMatchObject({ quantity: 5 });
  expect(problemOf(await ask('POST', at, { productId: 'quinoa' }))).toEqual([409, 'transfer-arrived']);
  expect(await remainingOf('quinoa')).toBe(5);
  const counted = await ask('POST', '/inventory/quinoa/counts', { counted: 4, reason: 'stolen' }, { as: manager });
  expect(counted.body).toEqual({ productId: 'quinoa', expected: 5, counted: 4 });
  const giveBack = (quantity: number) => ask('POST', '/inventory/quinoa/give-back', { quantity }, { as: manager });
  expect(problemOf(await giveBack(5))).toEqual([409, 'quota-short']);
  expect((await giveBack(3)).status).toBe(200);
  expect(await remainingOf('quinoa')).toBe(1);
});

it('reports the shift while it is open, closes it by a count, and keeps a late sale in it', async () => {
  const at = `/shifts/${shiftId}`;
  const x = shiftReportSchema.parse((await ask('GET', at)).body);
  expect(x).toMatchObject({ report: 'X', voids: 1, returns: 2, lateSales: 0, countedCents: null });
  expect(x.expectedCents).toBe(50_000 + x.cashCents - x.cashRefundCents);
  const closed = await ask('POST', `${at}/close`, { countedCents: x.expectedCents - 100 });
  expect(closed.body).toMatchObject({ report: 'Z', differenceCents: -100, sales: x.sales });
  expect(problemOf(await ask('POST', `${at}/close`, { countedCents: 0 }))).toEqual([409, 'shift-closed']);
  const late = await ask('POST', '/sales', { lines: cafe(1), payment: cash(1_000), shiftId });
  expect([late.status, late.body['isLate'], late.body['shiftId']]).toEqual([201, true, shiftId]);
  expect((await ask('GET', at)).body).toMatchObject({ sales: x.sales, lateSales: 1, lateCents: 890 });
});

it('takes an order that promises nothing, shows that it waits, and prints a slip', async () => {
  const placed = await ask('POST', '/orders', { customerId: 'ana', lines: cafe(500) }, { prefer: 'wait=5' });
  expect(placed.status).toBe(202);
  expect(placed.headers.get(headers.durability)).toBe('local');
  expect(placed.body).toMatchObject({ status: 'accepted', promisesUnits: false });
  const orderId = placed.body['orderId'] as string;
  expect(await ask('GET', `/orders/${orderId}`)).toMatchObject({ status: 202, body: { orderId, status: 'pending' } });
  const slip = await text(`/receipts/${orderId}`, 'text/plain');
  expect(slip.body.toString()).toMatch(/PEDIDO PENDIENTE[^]*Café Premium[^]*500 x 8\.90/);
});

it('keeps carts and registrations', async () => {
  const customer = { customerId: 'eva', name: 'Eva', email: 'eva@example.com' };
  const item = ['PUT', `/carts/${BRANCH}:1/items/cafe`, { quantity: 1 }] as const;
  const kept = [await ask('POST', '/customers', customer), await ask(...item)];
  for (const { status, headers: sent } of kept) expect([status, sent.get(headers.durability)]).toEqual([202, 'local']);
});

it('reads its catalogue, and reports its state', async () => {
  expect((await ask('GET', '/products?name=cafe')).body).toMatchObject({
    items: [{ productId: 'cafe', name: 'Café Premium', priceCents: 890 }],
    next: null,
  });
  expect((await ask('GET', '/products/pan')).body).toMatchObject({ priceCents: 180 });
  expect((await ask('GET', '/inventory/cafe')).body).toMatchObject({ levels: [{ location: BRANCH }] });
  const seen = { ...(await callers.as(cashier)), [headers.position]: 'g1=3.1f0c5e9a.42' };
  const held = await send('GET', '/inventory', undefined, seen);
  expect(held.headers.get(headers.position)).toBe('g1=3.1f0c5e9a.42');
  expect([held.headers.get(headers.source), held.headers.get(headers.lagMs)]).toEqual([`${BRANCH} (branch)`, '0']);
  const { body } = await ask('GET', '/status');
  expect(body).toMatchObject({
    branchId: BRANCH,
    incarnation: 1,
    frozen: null,
    online: { brokers: false, readService: false, since: null },
    obstacle: null,
  });
  const journal = body['journal'] as { depth: number; oldestSeconds: number };
  expect(journal.depth).toBeGreaterThan(10);
});

it('logs a cashier in by PIN, who may then sell', async () => {
  const logIn = (pin: string) => send('POST', '/auth/pin', { login: 'rosa', pin });
  expect((await logIn('111111')).status).toBe(401);
  const { accessToken } = (await logIn('482916')).body as { accessToken: string };
  const rosa = { authorization: `Bearer ${accessToken}` };
  expect((await send('POST', '/shifts', {}, { ...rosa, 'idempotency-key': newKey() })).status).toBe(201);
  const sale = { lines: cafe(1), payment: cash(1_000) };
  expect((await send('POST', '/sales', sale, { ...rosa, 'idempotency-key': newKey() })).status).toBe(201);
  expect(problemOf(await send('GET', '/sales/stats', undefined, rosa))).toEqual([403, 'forbidden']);
});

it('goes on after a restart: same sale for a repeat, next receipt number, nothing lost', async () => {
  const sale = { lines: cafe(1), payment: cash(1_000) };
  const key = newKey();
  const { body: before } = await ask('POST', '/sales', sale, { key });
  const state = (await ask('GET', '/status')).body as { sequence: number; journal: object };
  await service.stop();
  service = await start();
  const repeated = await ask('POST', '/sales', sale, { key });
  expect(repeated.body).toEqual(before);
  const { sequence, ...now } = (await ask('GET', '/status')).body as typeof state;
  expect(now).toMatchObject({ incarnation: 1, frozen: null });
  expect(sequence).toBeGreaterThanOrEqual(state.sequence);
  const { body: after } = await ask('POST', '/sales', sale);
  const numberOf = (body: unknown) => Number(saleSchema.parse(body).receiptNumber.split('-').at(-1));
  expect(numberOf(after)).toBe(numberOf(before) + 1);
});
