import { randomUUID } from 'node:crypto';
import type { Change, ChangeType } from '@eco/contracts';
import { FIGURES } from '@eco/database';
import fc from 'fast-check';
import { countsOf, type Count } from './statistics.consumer.js';

const commandId = '0198c5b2-7a31-7c4e-9d20-5f1c2b3a4d5e';
const change = (type: ChangeType, at: string, data: Record<string, unknown>): Change => ({
  type,
  seq: 1,
  n: 1,
  commandId,
  at,
  data: { customerId: 'ana', branchId: null, ...data },
});
const lineOf = (productId: string, quantity: number) => ({ productId, name: 'P', quantity, unitPriceCents: 100 });
const confirmed = (at: string, branchId: string | null, lines: ReturnType<typeof lineOf>[], orderId = commandId) => {
  const totalCents = lines.reduce((cents, { quantity }) => cents + quantity * 100, 0);
  return change('order.confirmed', at, { orderId, status: 'confirmed', branchId, totalCents, lines });
};
const registered = (registeredAt: string, branchId: string | null) =>
  change('customer.registered', registeredAt, { name: 'Ana', email: 'ana@example.com', branchId, registeredAt });

const figures = (counted: Partial<Count>) => ({
  ...Object.fromEntries(FIGURES.map((figure) => [figure, 0])),
  registrations: 0,
  product_id: '',
  ...counted,
});

it('counts by time and branch, with Central separate, and ignores rejected orders', () => {
  const { branches, products } = countsOf([
    confirmed('2026-11-24T23:59:59.999Z', null, [lineOf('te', 2), lineOf('pan', 3)]),
    confirmed('2026-11-25T00:00:00.000Z', null, [lineOf('te', 1)]),
    confirmed('2026-11-24T09:00:00.000Z', 'sucursal-1', [lineOf('te', 4)]),
    registered('2026-11-24T09:14:00.000Z', 'sucursal-1'),
    change('order.rejected', '2026-11-24T10:00:00.000Z', {
      orderId: commandId,
      status: 'rejected',
      short: [],
      unknownProducts: [],
    }),
  ]);
  const early = '2026-11-24T09:00:00.000Z';
  expect(branches).toEqual([
    figures({ at: early, branch_id: 'sucursal-1', registrations: 1, orders: 1, units: 4, revenue_cents: 400 }),
    figures({ at: '2026-11-24T23:45:00.000Z', branch_id: '', orders: 1, units: 5, revenue_cents: 500 }),
    figures({ at: '2026-11-25T00:00:00.000Z', branch_id: '', orders: 1, units: 1, revenue_cents: 100 }),
  ]);
  expect(products.filter(({ product_id }) => product_id === 'te').map(({ units }) => units)).toEqual([2, 1, 4]);
});

it('counts sales at a branch on the day of its clock, each once for each of its products', () => {
  const line = { productId: 'te', quantity: 2, unitPriceCents: 100 };
  const lines = [line, { ...line, quantity: 1, unitPriceCents: 90 }];
  const sale = { saleId: commandId, branchId: 'sucursal-1', lines };
  const late = '2026-11-26T12:00:00.000Z';
  const { branches, products } = countsOf([
    change('sale.recorded', late, {
      ...sale,
      receiptNumber: 'A-1',
      soldAt: '2026-11-24T09:01:00.000Z',
      totalCents: 290,
      excess: [],
    }),
    change('sale.voided', late, { ...sale, voidedAt: '2026-11-24T09:20:00.000Z', totalCents: 290 }),
    change('sale.returned', late, {
      ...sale,
      returnId: commandId,
      returnedAt: '2026-11-25T10:00:00.000Z',
      refundCents: 290,
    }),
  ]);
  const at = (quarter: string) => ({ at: `2026-11-${quarter}:00.000Z`, branch_id: 'sucursal-1' });
  const counts = [
    { ...at('24T09:00'), orders: 1, units: 3, revenue_cents: 290 },
    { ...at('24T09:15'), cancelled_orders: 1, cancelled_units: 3, cancelled_cents: 290 },
    { ...at('25T10:00'), returned_units: 3, returned_cents: 290 },
  ];
  expect(branches).toEqual(counts.map((count) => figures(count)));
  expect(products).toEqual(counts.map((count) => figures({ ...count, product_id: 'te' })));
});

interface Bought {
  readonly orderId: string;
  readonly branchId: string | null;
  readonly lines: ReturnType<typeof lineOf>[];
  kept: Map<string, number>;
  cancelled: boolean;
}

/** Random histories of orders as changes, and the units that each customer keeps in the end. */
const histories = fc
  .array(
    fc.record({
      branchId: fc.constantFrom(null, 'sucursal-1'),
      lines: fc.uniqueArray(
        fc.record({ productId: fc.constantFrom('te', 'pan', 'ron'), quantity: fc.integer({ min: 1, max: 3 }) }),
        {
          selector: ({ productId }) => productId,
          minLength: 1,
        },
      ),
      // The order is cancelled, or these units of each line are returned, one return after the other.
      end: fc.oneof(
        fc.constant('cancel' as const),
        fc.array(fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }), { maxLength: 3 }),
      ),
    }),
    { maxLength: 20 },
  )
  .map((orders) => {
    const changes: Change[] = [];
    let minutes = 0;
    const at = () => new Date(Date.parse('2026-11-24T00:00:00Z') + (minutes += 7) * 60_000).toISOString();
    const bought = orders.map(({ branchId, lines: asked, end }): Bought => {
      const orderId = randomUUID();
      const lines = asked.map(({ productId, quantity }) => lineOf(productId, quantity));
      const kept = new Map(lines.map(({ productId, quantity }) => [productId, quantity]));
      changes.push(confirmed(at(), branchId, lines, orderId));
      if (end === 'cancel') {
        const totalCents = lines.reduce((cents, { quantity }) => cents + quantity * 100, 0);
        const data = {
          orderId,
          status: 'cancelled',
          branchId,
          totalCents,
          lines: lines.map(({ name: _, ...line }) => line),
        };
        changes.push(change('order.cancelled', at(), data));
        return { orderId, branchId, lines, kept: new Map(), cancelled: true };
      }
      for (const quantities of end) {
        const back = lines.flatMap(({ productId }, index) => {
          const quantity = Math.min(quantities[index] ?? 0, kept.get(productId) ?? 0);
          if (quantity === 0) return [];
          kept.set(productId, (kept.get(productId) ?? 0) - quantity);
          return [{ productId, quantity, unitPriceCents: 100, unitsKept: kept.get(productId) ?? 0 }];
        });
        if (back.length === 0) continue;
        const unitsKept = [...kept.values()].reduce((sum, units) => sum + units, 0);
        const data = { orderId, branchId, location: 'central', lines: back, returned: [], unitsKept };
        changes.push(change('order.returned', at(), data));
      }
      return { orderId, branchId, lines, kept, cancelled: false };
    });
    return { changes, bought };
  });

const sum = (counts: readonly Count[], figure: keyof Omit<Count, 'at' | 'branch_id' | 'product_id'>) =>
  counts.reduce((total, count) => total + count[figure], 0);

it('counts as net the units that customers have kept, for any history in pages of any size', () => {
  fc.assert(
    fc.property(histories, fc.integer({ min: 1, max: 7 }), ({ changes, bought }, pageSize) => {
      const pages = Array.from({ length: Math.ceil(changes.length / pageSize) }, (_, page) =>
        countsOf(changes.slice(page * pageSize, (page + 1) * pageSize)),
      );
      const branches = pages.flatMap((page) => page.branches);
      const products = pages.flatMap((page) => page.products);
      const net = (counts: readonly Count[]) => ({
        orders: sum(counts, 'orders') - sum(counts, 'cancelled_orders') - sum(counts, 'returned_orders'),
        units: sum(counts, 'units') - sum(counts, 'cancelled_units') - sum(counts, 'returned_units'),
        cents: sum(counts, 'revenue_cents') - sum(counts, 'cancelled_cents') - sum(counts, 'returned_cents'),
      });
      const units = ({ kept }: Bought) => [...kept.values()].reduce((total, quantity) => total + quantity, 0);
      for (const branchId of [null, 'sucursal-1']) {
        const ofBranch = bought.filter((each) => each.branchId === branchId);
        const keptUnits = ofBranch.reduce((total, each) => total + units(each), 0);
        expect(net(branches.filter(({ branch_id }) => branch_id === (branchId ?? '')))).toEqual({
          orders: ofBranch.filter((each) => units(each) > 0).length,
          units: keptUnits,
          cents: keptUnits * 100,
        });
      }
      for (const productId of ['te', 'pan', 'ron']) {
        const holders = bought.filter(({ kept }) => (kept.get(productId) ?? 0) > 0);
        expect(net(products.filter(({ product_id }) => product_id === productId))).toMatchObject({
          orders: holders.length,
          units: holders.reduce((total, { kept }) => total + (kept.get(productId) ?? 0), 0),
        });
      }
      expect(sum(branches, 'orders')).toBe(bought.length);
      expect(sum(branches, 'cancelled_orders')).toBe(bought.filter(({ cancelled }) => cancelled).length);
    }),
  );
});
