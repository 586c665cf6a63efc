import { copyFileSync, cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { commandSchema, type CommandOf, type EntryKind } from '@eco/contracts';
import { BranchDatabase, markRestored } from './branch-database.js';
import {
  apply,
  asked,
  BRANCH,
  cashSale,
  change,
  online,
  openBranch,
  stock,
  valueOf,
  waitingCommands,
  waitingKinds,
} from './test/shop.js';
import type { BranchDatabaseOptions } from './types.js';

const DAY_MS = 86_400_000;
let dir: string;
const opened: BranchDatabase[] = [];
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-'));
});
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
  rmSync(dir, { recursive: true });
});

function open(options: Partial<BranchDatabaseOptions> & { dir?: string } = {}): BranchDatabase {
  const branch = openBranch(options.dir ?? dir, options);
  opened.push(branch);
  return branch;
}
const entriesOf = (branch: BranchDatabase) =>
  waitingCommands(branch).filter((command): command is CommandOf<EntryKind> => 'sequence' in command.body);
const placesOf = (branch: BranchDatabase) =>
  entriesOf(branch).map(({ body: { incarnation, sequence } }) => [incarnation, sequence]);
const remaining = (branch: BranchDatabase, productId: string) => branch.catalogue.quota(productId)?.remaining;

describe('a sale', () => {
  it('spends the quota, gets the next receipt number and is reported, in one transaction', async () => {
    const branch = open({ coin: 50 });
    await stock(branch, { cafe: 5, pan: 5 });
    const tender = { cash: { moneyReceivedCents: 5000 } };
    const lines = [
      { productId: 'cafe', quantity: 2 },
      { productId: 'pan', quantity: 1 },
    ];
    const sale = valueOf(await branch.sales.sell(cashSale('cafe', 1, { lines, tender, customerId: 'ana' })));
    expect(sale).toMatchObject({
      ...{ receiptNumber: `A-${BRANCH}-1-1-1`, till: '1', customerId: 'ana', soldBy: 'ana', totalCents: 3000 },
      payment: { cashCents: 3000, cardCents: 0, changeCents: 2000, roundingCents: 0 },
      lines: [
        { productId: 'cafe', name: 'Product cafe', quantity: 2, unitPriceCents: 1000, taxBasisPoints: 1600 },
        { productId: 'pan', quantity: 1 },
      ],
    });
    expect([branch.sales.sale(sale.saleId), branch.sales.saleWithReceipt(sale.receiptNumber)]).toEqual([sale, sale]);
    expect([remaining(branch, 'cafe'), remaining(branch, 'pan')]).toEqual([3, 4]);
    const commands = waitingCommands(branch);
    expect(commands.map(({ kind }) => kind)).toEqual(['branch.report', 'sale.record']);
    const { soldAt, shiftId, payment } = sale;
    expect(commands[1]).toMatchObject({
      ...{ id: sale.saleId, sentBy: 'sucursal-api-1', actor: { id: 'ana', branchId: BRANCH } },
      body: { ...{ branchId: BRANCH, incarnation: 1, sequence: 2, soldAt, shiftId, payment }, lines: sale.lines },
    });
    expect(() => commandSchema.parse(commands[1])).not.toThrow();
    expect(branch.shifts.openShiftOf('1')?.figures).toMatchObject({ sales: 1, totalCents: 3000, cashCents: 3000 });
    expect(branch.sales.stats()).toMatchObject({ count: 1, revenueCents: 3000, averageCents: 3000 });
  });

  it('is refused with every short line and every unknown product, and leaves no trace', async () => {
    const branch = open();
    await stock(branch, { cafe: 5, pan: 0, sal: 1 });
    const lines = [
      { productId: 'cafe', quantity: 3 },
      { productId: 'pan', quantity: 1 },
      { productId: 'cafe', quantity: 3 },
      { productId: 'oro', quantity: 1 },
    ];
    expect(await branch.sales.sell(cashSale('cafe', 1, { lines }))).toEqual({
      type: 'refused',
      refusal: {
        reason: 'short',
        short: [
          { productId: 'cafe', asked: 6, remaining: 5 },
          { productId: 'pan', asked: 1, remaining: 0 },
        ],
        unknownProducts: ['oro'],
      },
    });
    const tender = { cash: { moneyReceivedCents: 999 } };
    expect(await branch.sales.sell(cashSale('cafe', 1, { tender }))).toMatchObject({
      refusal: { reason: 'payment', settlement: { type: 'too-little', dueCents: 1000, receivedCents: 999 } },
    });
    expect(await branch.sales.sell(cashSale('cafe', 1, { till: '2' }))).toMatchObject({
      refusal: { reason: 'till-unknown' },
    });
    await branch.shifts.registerTill({ ...asked(), till: '2', name: 'Caja 2' });
    expect(await branch.sales.sell(cashSale('cafe', 1, { till: '2' }))).toMatchObject({
      refusal: { reason: 'no-open-shift' },
    });
    expect([remaining(branch, 'cafe'), waitingKinds(branch), branch.sales.page({ limit: 9 })]).toEqual([
      5,
      ['branch.report'],
      [],
    ]);
    expect(valueOf(await branch.sales.sell(cashSale('cafe'))).receiptNumber).toBe(`A-${BRANCH}-1-1-1`);
  });

  it('is the same sale for a repeated request, and a conflict for another one under its id', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const request = cashSale('cafe', 2);
    const [first, repeated, other] = await Promise.all([
      branch.sales.sell(request),
      branch.sales.sell(request),
      branch.sales.sell({ ...request, lines: [{ productId: 'cafe', quantity: 1 }] }),
    ]);
    expect([first, repeated]).toMatchObject([
      { type: 'done', repeated: false },
      { type: 'done', repeated: true, value: valueOf(first as never) },
    ]);
    expect(other).toEqual({ type: 'key-conflict' });
    expect(await branch.sales.sell({ ...request, id: asked().id, formerIds: [request.id] })).toMatchObject({
      type: 'done',
      repeated: true,
    });
    expect([remaining(branch, 'cafe'), waitingKinds(branch)]).toEqual([3, ['branch.report', 'sale.record']]);
  });

  it('shares its commit with other sales, and a refused one does not affect them', async () => {
    const branch = open();
    await stock(branch, { cafe: 3, pan: 9 });
    const results = await Promise.all([
      ...Array.from({ length: 6 }, () => branch.sales.sell(cashSale('cafe'))),
      branch.sales.sell(cashSale('pan')),
    ]);
    expect(results.map(({ type }) => type).join(' ')).toBe('done done done refused refused refused done');
    const numbers = branch.sales.page({ limit: 10 }).map(({ receiptNumber }) => receiptNumber);
    expect(numbers).toEqual([4, 3, 2, 1].map((number) => `A-${BRANCH}-1-1-${number}`));
    expect(placesOf(branch)).toEqual([1, 2, 3, 4, 5].map((sequence) => [1, sequence]));
  });

  it('is refused while more commands wait than the limit allows, and accepted once some were sent', async () => {
    const branch = open({ limitBytes: 8_000 });
    await stock(branch, { cafe: 50 });
    let last = await branch.sales.sell(cashSale('cafe'));
    let sold = 0;
    for (; last.type === 'done'; last = await branch.sales.sell(cashSale('cafe'))) sold += 1;
    expect(last).toMatchObject({ type: 'full', obstacle: 'too many commands wait for the brokers' });
    expect([branch.sales.page({ limit: 100 }).length, remaining(branch, 'cafe')]).toEqual([sold, 50 - sold]);
    const [lane = ''] = branch.outbox.queues;
    branch.outbox.remove(lane, branch.outbox.head(lane, 2));
    expect((await branch.sales.sell(cashSale('cafe'))).type).toBe('done');
  });

  it('of a closed shift is late and stays in it', async () => {
    const branch = open();
    const shiftId = await stock(branch, { cafe: 5 });
    await branch.sales.sell(cashSale('cafe'));
    await branch.shifts.close({ ...asked(), shiftId, countedCents: 51_000 });
    expect(valueOf(await branch.sales.sell(cashSale('cafe', 2, { shiftId })))).toMatchObject({ isLate: true, shiftId });
    expect(branch.shifts.shift(shiftId)?.figures).toMatchObject({ sales: 1, lateSales: 1, lateCents: 2000 });
  });
});

describe('voids, returns and shifts', () => {
  it('voids a sale once: its units come back and its receipt keeps its number', async () => {
    const branch = open();
    const shiftId = await stock(branch, { cafe: 5 });
    const { saleId, receiptNumber } = valueOf(await branch.sales.sell(cashSale('cafe', 3)));
    const request = { ...asked(), saleId, reason: 'wrong product' };
    expect(valueOf(await branch.sales.voidSale(request))).toMatchObject({ receiptNumber, voidReason: 'wrong product' });
    expect(await branch.sales.voidSale(request)).toMatchObject({ type: 'done', repeated: true });
    expect(await branch.sales.voidSale({ ...request, ...asked() })).toMatchObject({
      refusal: { reason: 'sale-voided' },
    });
    expect([remaining(branch, 'cafe'), branch.sales.stats()]).toMatchObject([5, { count: 0, voids: 1 }]);
    expect(branch.shifts.shift(shiftId)?.figures).toMatchObject({ sales: 0, voids: 1, cashCents: 0 });
    expect(valueOf(await branch.sales.sell(cashSale('cafe'))).receiptNumber).toBe(`A-${BRANCH}-1-1-2`);
    const later = valueOf(await branch.sales.sell(cashSale('cafe')));
    await branch.shifts.close({ ...asked(), shiftId, countedCents: 0 });
    expect(await branch.sales.voidSale({ ...asked(), saleId: later.saleId, reason: 'late' })).toMatchObject({
      refusal: { reason: 'shift-closed' },
    });
  });

  it('returns no more units of an own sale than it had, at its prices; units sold elsewhere can not be sold again', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const { saleId } = valueOf(await branch.sales.sell(cashSale('cafe', 3)));
    const request = { till: '1', saleId, reason: 'broken', refund: 'cash' as const };
    const back = (quantity: number) => ({ ...request, ...asked(), lines: [{ productId: 'cafe', quantity }] });
    expect(valueOf(await branch.sales.returnUnits(back(2)))).toMatchObject({
      refundCents: 2000,
      lines: [{ productId: 'cafe', quantity: 2, unitPriceCents: 1000 }],
    });
    expect(await branch.sales.returnUnits(back(2))).toMatchObject({
      refusal: { reason: 'more-than-sold', lines: [{ productId: 'cafe', returnable: 1 }] },
    });
    expect(remaining(branch, 'cafe')).toBe(4);
    expect(valueOf(await branch.sales.returnUnits({ ...back(7), saleId: null }))).toMatchObject({ refundCents: 7000 });
    expect([remaining(branch, 'cafe'), waitingKinds(branch).slice(-2)]).toEqual([4, ['sale.return', 'sale.return']]);
    expect(await branch.sales.voidSale({ ...asked(), saleId, reason: 'x' })).toMatchObject({
      refusal: { reason: 'sale-returned' },
    });
  });

  it('closes a shift with its figures, reported under the id of the shift', async () => {
    const branch = open();
    const shiftId = await stock(branch, { cafe: 5 });
    await branch.sales.sell(cashSale('cafe', 2));
    expect(await branch.shifts.open({ ...asked(), till: '1', openingCents: 0 })).toMatchObject({
      refusal: { reason: 'shift-open' },
    });
    const closed = valueOf(await branch.shifts.close({ ...asked(), shiftId, countedCents: 51_990 }));
    expect(closed).toMatchObject({ countedCents: 51_990, figures: { sales: 1, cashCents: 2000 } });
    const command = waitingCommands(branch).at(-1);
    expect(command).toMatchObject({ id: shiftId, body: { expectedCents: 52_000, countedCents: 51_990, sales: 1 } });
    expect(() => commandSchema.parse(command)).not.toThrow();
    expect(branch.shifts.openShiftOf('1')).toBeUndefined();
  });
});

describe('units', () => {
  it('come by a grant once, whatever arrives twice, and are accepted', async () => {
    const branch = open();
    await stock(branch, { cafe: 1 });
    const { asked: isAsked } = valueOf(await branch.units.fetch({ productId: 'cafe', quantity: 10 }));
    expect([isAsked, valueOf(await branch.units.fetch({ productId: 'cafe', quantity: 10 }))]).toEqual([
      true,
      { asked: false },
    ]);
    const fetch = waitingCommands(branch).at(-1) as CommandOf<'quota.fetch'>;
    expect(fetch.body).toMatchObject({ branchId: BRANCH, productId: 'cafe', quantity: 10, remaining: 1 });
    const { transferId } = fetch.body;
    const data = { transferId, branchId: BRANCH, productId: 'cafe', quantity: 7 };
    const granted = change('quota.granted', data);
    expect(branch.catalogue.fetchCandidates({ limit: 9 })).toMatchObject([{ remaining: 1, onTheWay: 10 }]);
    await apply(branch, 'quotas', granted);
    await apply(branch, 'quotas', granted, change('quota.granted', data));
    await apply(branch, 'quotas', change('quota.granted', { ...data, transferId: asked().id, branchId: 'sucursal-2' }));
    expect([remaining(branch, 'cafe'), entriesOf(branch).map(({ kind }) => kind)]).toEqual([
      8,
      ['branch.report', 'quota.accept'],
    ]);
    expect(branch.catalogue.fetchCandidates({ limit: 9 })).toMatchObject([{ remaining: 8, onTheWay: 0 }]);
  });

  it('are asked for of products that the branch holds, held or sold, and again when an answer is overdue', async () => {
    let nowMs = Date.now();
    const branch = open({ now: () => nowMs });
    await stock(branch, { cafe: 1 });
    const data = { productId: 'te', name: 'Te', priceCents: 100, version: 1 };
    await apply(branch, 'products', change('product.created', data));
    await branch.units.fetch({ productId: 'cafe', quantity: 10 });
    expect(branch.catalogue.fetchCandidates({ limit: 9 })).toMatchObject([{ productId: 'cafe', onTheWay: 10 }]);
    nowMs += 11 * 60_000;
    expect(branch.catalogue.fetchCandidates({ limit: 9 })).toMatchObject([{ productId: 'cafe', onTheWay: 0 }]);
    expect(valueOf(await branch.units.fetch({ productId: 'cafe', quantity: 10 }))).toEqual({ asked: true });
  });

  it('that a person has sent can be sold once a person has received them', async () => {
    const branch = open();
    await stock(branch, { cafe: 0 });
    const transferId = asked().id;
    const sent = { transferId, branchId: BRANCH, productId: 'cafe', from: 'central', quantity: 4 };
    await apply(branch, 'quotas', change('transfer.sent', sent));
    expect([remaining(branch, 'cafe'), branch.units.expectedTransfers()]).toMatchObject([
      0,
      [{ transferId, kind: 'sent' }],
    ]);
    const request = { ...asked(), transferId };
    expect(valueOf(await branch.units.receiveTransfer(request))).toMatchObject({ status: 'received' });
    expect(await branch.units.receiveTransfer(request)).toMatchObject({ repeated: true });
    expect(await branch.units.receiveTransfer({ ...request, ...asked() })).toMatchObject({
      refusal: { reason: 'transfer-received' },
    });
    expect([remaining(branch, 'cafe'), waitingKinds(branch).at(-1)]).toEqual([4, 'quota.accept']);
  });

  it('leave by giving them back, on a recall only those that are left, and by a write-off', async () => {
    const branch = open();
    await stock(branch, { cafe: 10 });
    const giveBack = { ...asked(), productId: 'cafe', quantity: 4 };
    expect(valueOf(await branch.units.giveBack(giveBack))).toEqual({ remaining: 6 });
    expect(await branch.units.giveBack({ ...giveBack, ...asked(), quantity: 7 })).toMatchObject({
      refusal: { reason: 'short', remaining: 6 },
    });
    const units = { branchId: BRANCH, productId: 'cafe' };
    await apply(branch, 'quotas', change('quota.written-off', { ...units, quantity: 1, reason: 'rain' }));
    const recallId = asked().id;
    const recalled = change('quota.recalled', { ...units, recallId, quantity: 99 });
    await apply(branch, 'quotas', recalled);
    await branch.home.resetCursor('quotas', '0');
    await apply(branch, 'quotas', recalled, change('quota.recalled', { ...units, recallId: asked().id, quantity: 5 }));
    const entries = entriesOf(branch).filter(({ kind }) => kind === 'quota.give-back');
    expect(entries.map(({ body }) => body)).toMatchObject([
      { quantity: 4, recallId: null },
      { quantity: 5, recallId },
    ]);
    expect(remaining(branch, 'cafe')).toBe(0);
  });

  it('are asked for by what was sold in the last days, and only of products that the branch has held', async () => {
    let nowMs = Date.now() - 30 * DAY_MS;
    const branch = open({ now: () => nowMs });
    await stock(branch, { cafe: 100 });
    const neverHeld = { productId: 'agua', name: 'Agua', priceCents: 1000, version: 1 };
    await apply(branch, 'products', change('product.created', neverHeld));
    await branch.sales.sell(cashSale('cafe', 70));
    expect(branch.catalogue.fetchCandidates({ limit: 9 })).toEqual([
      { productId: 'cafe', remaining: 30, onTheWay: 0, soldPerDay: 10 },
    ]);
    nowMs = Date.now();
    await branch.sales.sell(cashSale('cafe', 7));
    expect(branch.catalogue.fetchCandidates({ limit: 9 })).toMatchObject([{ remaining: 23, soldPerDay: 1 }]);
  });

  it('are counted, and the count states what was expected', async () => {
    const branch = open();
    await stock(branch, { cafe: 10 });
    await branch.sales.sell(cashSale('cafe', 2));
    const count = { ...asked(), productId: 'cafe', counted: 7, reason: 'stolen' };
    expect(valueOf(await branch.units.count(count))).toEqual({ productId: 'cafe', expected: 8, counted: 7 });
    expect([remaining(branch, 'cafe'), waitingCommands(branch).at(-1)?.body]).toMatchObject([7, { expected: 8 }]);
    expect(await branch.units.count({ ...count, ...asked(), productId: 'oro' })).toMatchObject({
      refusal: { reason: 'product-unknown' },
    });
  });
});

describe('changes', () => {
  it('are applied once, with the cursor in the same transaction', async () => {
    const branch = open();
    await stock(branch, { cafe: 1 });
    const page = (after: string | null, next: string, priceCents: number, version: number) => ({
      ...{ topic: 'products' as const, after, next },
      changes: [change('product.updated', { productId: 'cafe', name: 'Café', priceCents, version })],
    });
    const at = branch.home.cursor('products');
    expect(valueOf(await branch.home.applyChanges(page(at, '100', 1200, 2)))).toEqual({ applied: true });
    expect(valueOf(await branch.home.applyChanges(page(at, '100', 1300, 3)))).toEqual({ applied: false });
    // An older change is passed over, and so is one that only a newer home knows.
    await branch.home.applyChanges(page('100', '101', 1100, 1));
    await apply(branch, 'products', change('product.praised', { productId: 'cafe' }));
    expect(branch.catalogue.product('cafe')).toMatchObject({ priceCents: 1200, taxBasisPoints: 1600, version: 2 });
    await apply(branch, 'products', change('product.deleted', { productId: 'cafe', version: 4 }));
    expect(await branch.sales.sell(cashSale('cafe'))).toMatchObject({ refusal: { unknownProducts: ['cafe'] } });
  });

  it('leave the cursor where it was if a page of them can not be stored', async () => {
    const branch = open({ limitBytes: 2_500 });
    await stock(branch, { cafe: 5 });
    while ((await branch.sales.sell(cashSale('cafe'))).type === 'done');
    const left = remaining(branch, 'cafe');
    const grant = () =>
      change('quota.granted', { transferId: asked().id, branchId: BRANCH, productId: 'cafe', quantity: 7 });
    const after = branch.home.cursor('quotas');
    const page = { topic: 'quotas' as const, changes: [grant(), grant(), grant()], after, next: '900' };
    expect(await branch.home.applyChanges(page)).toMatchObject({ type: 'full' });
    expect([branch.home.cursor('quotas'), remaining(branch, 'cafe')]).toEqual([after, left]);
    const [lane = ''] = branch.outbox.queues;
    branch.outbox.remove(lane, branch.outbox.head(lane, 100));
    expect(valueOf(await branch.home.applyChanges(page))).toEqual({ applied: true });
    expect([branch.home.cursor('quotas'), remaining(branch, 'cafe')]).toEqual(['900', (left ?? 0) + 21]);
  });

  it('show what became of an order that the branch kept, and of one that the brokers took at once', async () => {
    const branch = open();
    const [orderId, other] = [asked().id, asked().id];
    const lines = [{ productId: 'cafe', quantity: 2 }];
    const body = { orderId, customerId: 'ana', branchId: BRANCH, lines };
    const command = { ...asked(), id: orderId, kind: 'order.place', stamp: '', sentBy: 'x', body };
    expect(await branch.backOrders.keep('orders.g1', command as CommandOf<'order.place'>)).toEqual({ type: 'kept' });
    expect(branch.backOrders.order(orderId)).toMatchObject({ status: 'waiting', lines, decision: null });
    const priced = [{ productId: 'cafe', quantity: 2, unitPriceCents: 1000, name: 'Café' }];
    const confirmed = { orderId: other, customerId: 'ana', branchId: BRANCH, status: 'confirmed', lines: priced };
    await apply(
      branch,
      'orders',
      change('order.rejected', {
        ...{ orderId, customerId: 'ana', branchId: BRANCH, status: 'rejected', unknownProducts: [] },
        short: [{ productId: 'cafe', asked: 2, available: 0 }],
      }),
      change('order.confirmed', { ...confirmed, totalCents: 2000 }),
      change('order.confirmed', { ...confirmed, orderId: asked().id, branchId: 'sucursal-2', totalCents: 2000 }),
    );
    expect(branch.backOrders.page({ limit: 9 })).toMatchObject([
      { orderId: other, status: 'confirmed', lines },
      { orderId, status: 'rejected', lines, decision: { orderId } },
    ]);
  });
});

describe('incarnations', () => {
  it('sell nothing before they have reported and taken over what the home has recorded', async () => {
    const branch = open();
    const frozen = { type: 'refused', refusal: { reason: 'frozen' } };
    await branch.shifts.registerTill({ ...asked(), till: '1', name: 'Caja 1' });
    await branch.shifts.open({ ...asked(), till: '1', openingCents: 0 });
    const product = { productId: 'cafe', name: 'Café', priceCents: 1000, version: 1 };
    await apply(branch, 'products', change('product.created', product));
    expect(branch.status).toMatchObject({ incarnation: 1, sequence: 0, frozen: 'new', depth: 0 });
    expect(await branch.sales.sell(cashSale('cafe'))).toEqual(frozen);
    expect(await branch.home.report()).toEqual(frozen);
    const granted = { transferId: asked().id, branchId: BRANCH, productId: 'cafe', quantity: 7 };
    expect(await apply(branch, 'quotas', change('quota.granted', granted))).toBe(false);
    // Another database of this branch has reported before: this one takes the next incarnation.
    expect(valueOf(await branch.home.report(3))).toEqual({ incarnation: 4 });
    const levels = [{ productId: 'cafe', onHand: 2 }];
    const inTransit = [{ ...granted, kind: 'granted' as const, at: '2026-11-29T00:00:00.000Z' }];
    const { home } = branch;
    expect(await home.takeOverLevels({ incarnation: 3, cursor: '7', levels, inTransit })).toMatchObject({
      value: { taken: false },
    });
    expect(await branch.sales.sell(cashSale('cafe'))).toEqual(frozen);
    expect(await home.takeOverLevels({ incarnation: 4, cursor: '7', levels, inTransit })).toMatchObject({
      value: { taken: true },
    });
    expect(await home.takeOverLevels({ incarnation: 4, cursor: '9', levels, inTransit })).toMatchObject({
      value: { taken: false },
    });
    expect([home.cursor('quotas'), remaining(branch, 'cafe'), branch.status.frozen]).toEqual(['7', 9, undefined]);
    expect(valueOf(await branch.sales.sell(cashSale('cafe', 9))).receiptNumber).toBe(`A-${BRANCH}-1-4-1`);
    expect(placesOf(branch)).toEqual([1, 2, 3].map((sequence) => [4, sequence]));
  });

  it('sell nothing any more when another database of the branch has reported a later one', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const reported = (incarnation: number, branchId = BRANCH) =>
      change('branch.reported', { branchId, incarnation, isNew: true });
    await apply(branch, 'quotas', reported(1), reported(9, 'sucursal-2'));
    valueOf(await branch.sales.sell(cashSale('cafe')));
    await apply(branch, 'quotas', reported(2));
    expect(await branch.sales.sell(cashSale('cafe'))).toEqual({ type: 'refused', refusal: { reason: 'frozen' } });
    // A person who finds out that this database is the right one begins the next incarnation.
    branch.close();
    markRestored(dir);
    const right = open();
    expect(valueOf(await right.home.report(2))).toEqual({ incarnation: 3 });
  });

  it('go on after a restart, with the same units, numbers and commands', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    await branch.sales.sell(cashSale('cafe'));
    branch.close();
    const again = open();
    expect(again.status).toMatchObject({ incarnation: 1, sequence: 2, frozen: undefined, depth: 2 });
    expect(valueOf(await again.sales.sell(cashSale('cafe'))).receiptNumber).toBe(`A-${BRANCH}-1-1-2`);
    expect([remaining(again, 'cafe'), placesOf(again)]).toEqual([3, [1, 2, 3].map((sequence) => [1, sequence])]);
  });

  /** A copy of the database alone, as a backup has it, while the branch goes on selling. */
  async function copyOfYesterday(branch: BranchDatabase): Promise<string> {
    const copy = path.join(dir, 'copy');
    branch.close();
    copyFileSync(path.join(dir, 'branch.sqlite'), copy);
    const later = open();
    await later.sales.sell(cashSale('cafe'));
    later.close();
    return copy;
  }

  it.each([
    ['next to its counter file', () => undefined],
    ['without its counter file', () => rmSync(path.join(dir, 'branch.counter'))],
    ['with an unreadable counter file', () => writeFileSync(path.join(dir, 'branch.counter'), 'x'.repeat(128))],
  ])('end when an older copy of the database is found %s', async (_, change_) => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const copy = await copyOfYesterday(branch);
    copyFileSync(copy, path.join(dir, 'branch.sqlite'));
    change_();
    const restored = open();
    expect(restored.status).toMatchObject({ incarnation: 2, sequence: 0, frozen: 'restored' });
    expect(await restored.sales.sell(cashSale('cafe'))).toMatchObject({ refusal: { reason: 'frozen' } });
    restored.close();
    const again = open();
    expect(again.status).toMatchObject({ incarnation: 2, frozen: 'restored' });
    await online(again, 1, { cafe: 4 });
    const { receiptNumber } = valueOf(await again.sales.sell(cashSale('cafe')));
    expect([receiptNumber, remaining(again, 'cafe'), again.status.frozen]).toEqual([`A-${BRANCH}-1-2-1`, 3, undefined]);
    again.close();
    expect(open().status).toMatchObject({ incarnation: 2, frozen: undefined });
  });

  it('never repeat, although the same copy is restored twice, or the database is lost', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    const copy = await copyOfYesterday(branch);
    for (const incarnation of [2, 3]) {
      copyFileSync(copy, path.join(dir, 'branch.sqlite'));
      const restored = open();
      await online(restored, incarnation - 1, { cafe: 4 });
      expect(restored.status).toMatchObject({ incarnation, frozen: undefined });
      restored.close();
    }
    rmSync(path.join(dir, 'branch.sqlite'));
    expect(open().status).toMatchObject({ incarnation: 4, sequence: 0, frozen: 'restored' });
  });

  it('can not see that the whole folder was copied back, so a person says it', async () => {
    const branch = open();
    await stock(branch, { cafe: 5 });
    expect(() => markRestored(dir)).toThrow(/in use by another process/);
    branch.close();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-copy-'));
    cpSync(dir, folder, { recursive: true });
    expect(open({ dir: folder }).status.frozen).toBeUndefined();
    opened.pop()?.close();
    expect(markRestored(folder)).toEqual({ branchId: BRANCH, incarnation: 2 });
    expect(open({ dir: folder }).status).toMatchObject({ incarnation: 2, frozen: 'restored' });
    opened.pop()?.close();
    rmSync(folder, { recursive: true });
    expect(() => markRestored(path.join(dir, 'empty'))).toThrow(/there is no database of a branch/);
    expect(existsSync(path.join(dir, 'empty'))).toBe(false);
  });

  it('belong to one branch and one process', () => {
    open();
    expect(() => open()).toThrow(/in use by another process/);
    opened.pop()?.close();
    expect(() => open({ branchId: 'sucursal-2' })).toThrow(/belongs to branch sucursal-1/);
    expect(open().status.incarnation).toBe(1);
  });
});
