import { CENTRAL_BRANCH, DailyStatistics, type EntityManager } from '@eco/database';
import type { Change } from '@eco/contracts';
import { changesOfType } from '../change-data.js';
import type { Consumer } from '../consumer.js';

type Day = DailyStatistics;

/** Counts registrations and confirmed orders by day (UTC, as decided or registered) and branch. */
export const statisticsConsumer: Consumer = {
  name: 'statistics',
  schema: 'statistics',
  topics: ['orders', 'customers'],
  // A row is written once for all orders that add to it: the rarer, the less an order costs the primary. But less than a
  // reader with a position waits (FRESH_WAIT_MS).
  paceMs: 750,
  async apply(manager, changes) {
    for (const day of daysOf(changes)) await add(manager, day);
    await addSales(manager, productSalesOf(changes));
  },
};

/** Pure: what these changes add to each day and branch. */
export function daysOf(changes: readonly Change[]): Day[] {
  const days = new Map<string, Day>();
  const dayOf = (at: string, branch: string | null): Day => {
    const day = at.slice(0, 10);
    const branchId = branch ?? CENTRAL_BRANCH;
    const key = `${day} ${branchId}`;
    const known = days.get(key);
    if (known !== undefined) return known;
    const fresh = { day, branchId, registrations: 0, sales: 0, units: 0, revenueCents: 0 };
    days.set(key, fresh);
    return fresh;
  };
  for (const { data } of changesOfType(changes, 'customer.registered'))
    dayOf(data.registeredAt, data.branchId).registrations += 1;
  for (const { at, data } of changesOfType(changes, 'order.confirmed')) {
    const day = dayOf(at, data.branchId);
    day.sales += 1;
    day.units += data.lines.reduce((units, line) => units + line.quantity, 0);
    day.revenueCents += data.totalCents;
  }
  return [...days.values()];
}

export interface ProductSales {
  readonly day: string;
  readonly branchId: string;
  readonly productId: string;
  sales: number;
  units: number;
  revenueCents: number;
}

/** Pure: what these changes add to each day, branch and product. */
export function productSalesOf(changes: readonly Change[]): ProductSales[] {
  const all = new Map<string, ProductSales>();
  for (const { at, data } of changesOfType(changes, 'order.confirmed')) {
    const day = at.slice(0, 10);
    const branchId = data.branchId ?? CENTRAL_BRANCH;
    for (const { productId, quantity, unitPriceCents } of data.lines) {
      const key = `${day} ${branchId} ${productId}`;
      const known = all.get(key) ?? { day, branchId, productId, sales: 0, units: 0, revenueCents: 0 };
      all.set(key, known);
      // An order holds a product in one line.
      known.sales += 1;
      known.units += quantity;
      known.revenueCents += quantity * unitPriceCents;
    }
  }
  return [...all.values()];
}

async function addSales(manager: EntityManager, sales: readonly ProductSales[]): Promise<void> {
  if (sales.length === 0) return;
  const column = (valueOf: (row: ProductSales) => string | number) => sales.map(valueOf);
  await manager.query(
    `INSERT INTO statistics.sales AS s (day, branch_id, product_id, sales, units, revenue_cents)
     SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
     ON CONFLICT (day, branch_id, product_id) DO UPDATE SET
       sales = s.sales + excluded.sales,
       units = s.units + excluded.units,
       revenue_cents = s.revenue_cents + excluded.revenue_cents`,
    [
      column((row) => row.day),
      column((row) => row.branchId),
      column((row) => row.productId),
      column((row) => row.sales),
      column((row) => row.units),
      column((row) => row.revenueCents),
    ],
  );
}

/** The progress row is locked, so nobody adds to the same topic; the other topic may, hence the sum in the database. */
async function add(manager: EntityManager, day: Day): Promise<void> {
  await manager.query(
    `INSERT INTO statistics.daily AS d (day, branch_id, registrations, sales, units, revenue_cents)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (day, branch_id) DO UPDATE SET
       registrations = d.registrations + excluded.registrations,
       sales = d.sales + excluded.sales,
       units = d.units + excluded.units,
       revenue_cents = d.revenue_cents + excluded.revenue_cents`,
    [day.day, day.branchId, day.registrations, day.sales, day.units, day.revenueCents],
  );
}
