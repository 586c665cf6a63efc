import type { ReceivedChange } from '@eco/contracts';
import { changesOfType, defineConsumer } from '@eco/consumers';
import { CENTRAL_AS_STORED, FIGURES, type Figures } from '@eco/database';
import type { EntityManager } from 'typeorm';

/**
 * Counts registrations, sales, cancellations and returns by day, branch and product. Each counts on its own day, so
 * figures of past days do not change, and at the branch that took the order. An order counts as returned with its last
 * unit: a partly returned one is still a sale.
 *
 * A sale at a branch counts as an order and its void as a cancellation, on the day of the branch's clock: a branch may
 * have been offline for days. Units that came back to a branch reduce units and revenue, but not the number of sales,
 * because nobody knows whether the customer kept others.
 */
export const statisticsConsumer = defineConsumer({
  name: 'statistics',
  entities: [],
  // A row is written once for all orders that add to it. So the longer this pause is, the less an order costs the
  // primary. But it must be shorter than the time that a reader with a position waits (FRESH_WAIT_MS).
  paceMs: 750,
  async apply(manager, changes, group) {
    const { branches, products } = countsOf(changes);
    await add(manager, 'branch_day', ['branch_id'], ['registrations', ...FIGURES], branches, group);
    await add(manager, 'product_day', ['branch_id', 'product_id'], FIGURES, products, group);
  },
});

/** The changes of one quarter of an hour, branch and product. */
export interface Count extends Figures {
  readonly at: string;
  readonly branch_id: string;
  /** Empty: the count is over all products together. */
  readonly product_id: string;
  registrations: number;
}

interface Units {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPriceCents: number;
}

/**
 * A pure function. It counts by quarters of an hour and not by days. The database makes days of them, because it knows
 * the chain's time zone. The UTC offset of every zone is a multiple of a quarter.
 */
export function countsOf(changes: readonly ReceivedChange[]): { branches: Count[]; products: Count[] } {
  const branches = new Map<string, Count>();
  const products = new Map<string, Count>();
  const countIn = (counts: Map<string, Count>, at: string, branch: string | null, product_id: string): Count => {
    const quarter = quarterOf(at);
    const branch_id = branch ?? CENTRAL_AS_STORED;
    const key = `${quarter} ${branch_id} ${product_id}`;
    let count = counts.get(key);
    if (count === undefined) {
      const none = Object.fromEntries(FIGURES.map((figure) => [figure, 0])) as unknown as Figures;
      count = { at: quarter, branch_id, product_id, registrations: 0, ...none };
      counts.set(key, count);
    }
    return count;
  };
  /** `isWhole`: whether the order counts, or with a line whether this product counts. By default both do. */
  const countLines = <Line extends Units>(
    { at, data }: { at: string; data: { branchId: string | null; lines: readonly Line[] } },
    [orders, units, cents]: readonly [keyof Figures, keyof Figures, keyof Figures],
    isWhole: (line?: Line) => boolean = () => true,
  ) => {
    const ofBranch = countIn(branches, at, data.branchId, '');
    if (isWhole()) ofBranch[orders] += 1;
    for (const line of data.lines) {
      const ofProduct = countIn(products, at, data.branchId, line.productId);
      // An order has one line per product.
      if (isWhole(line)) ofProduct[orders] += 1;
      for (const count of [ofBranch, ofProduct]) {
        count[units] += line.quantity;
        count[cents] += line.quantity * line.unitPriceCents;
      }
    }
  };

  for (const { data } of changesOfType(changes, 'customer.registered'))
    countIn(branches, data.registeredAt, data.branchId, '').registrations += 1;
  for (const change of changesOfType(changes, 'order.confirmed'))
    countLines(change, ['orders', 'units', 'revenue_cents']);
  for (const change of changesOfType(changes, 'order.cancelled'))
    countLines(change, ['cancelled_orders', 'cancelled_units', 'cancelled_cents']);
  for (const change of changesOfType(changes, 'order.returned'))
    countLines(
      change,
      ['returned_orders', 'returned_units', 'returned_cents'],
      (line) => (line ?? change.data).unitsKept === 0,
    );
  for (const { data } of changesOfType(changes, 'sale.recorded')) {
    countLines({ at: data.soldAt, data }, ['orders', 'units', 'revenue_cents'], isFirstOf(data.lines));
  }
  for (const { data } of changesOfType(changes, 'sale.voided')) {
    countLines(
      { at: data.voidedAt, data },
      ['cancelled_orders', 'cancelled_units', 'cancelled_cents'],
      isFirstOf(data.lines),
    );
  }
  for (const { data } of changesOfType(changes, 'sale.returned')) {
    countLines({ at: data.returnedAt, data }, ['returned_orders', 'returned_units', 'returned_cents'], () => false);
  }
  return { branches: [...branches.values()], products: [...products.values()] };
}

/** Whether a line is the first one of its product: a sale may have several, and counts once for the product. */
function isFirstOf<Line extends Units>(lines: readonly Line[]): (line?: Line) => boolean {
  const firsts = new Map(lines.toReversed().map((line) => [line.productId, line]));
  return (line) => line === undefined || firsts.get(line.productId) === line;
}

const QUARTER_MS = 900_000;

function quarterOf(at: string): string {
  return new Date(Math.floor(Date.parse(at) / QUARTER_MS) * QUARTER_MS).toISOString();
}

/**
 * Adds counts to the stored rows. The database computes the sums, because another topic's changes may add to the same
 * rows at the same time. It does so in key order to prevent deadlocks.
 */
async function add(
  manager: EntityManager,
  table: 'branch_day' | 'product_day',
  keys: readonly ('branch_id' | 'product_id')[],
  figures: readonly (keyof Figures | 'registrations')[],
  counts: readonly Count[],
  group: string,
): Promise<void> {
  if (counts.length === 0) return;
  const columns = ['at', ...keys, ...figures] as const;
  const types = ['timestamptz', ...keys.map(() => 'text'), ...figures.map(() => 'bigint')];
  const key = ['day', ...keys].join(', ');
  await manager.query(
    `INSERT INTO statistics.${table} AS t (group_id, ${key}, ${figures.join(', ')})
     SELECT $1, (c.at AT TIME ZONE (SELECT z.time_zone FROM statistics.calendar z))::date AS day, ${keys.join(', ')},
            ${figures.map((figure) => `sum(c.${figure})::bigint`).join(', ')}
     FROM unnest(${types.map((type, index) => `$${index + 2}::${type}[]`).join(', ')}) AS c (${columns.join(', ')})
     GROUP BY ${key} ORDER BY ${key}
     ON CONFLICT (${key}, group_id) DO UPDATE SET
       ${figures.map((figure) => `${figure} = t.${figure} + excluded.${figure}`).join(', ')}`,
    [group, ...columns.map((column) => counts.map((count) => count[column]))],
  );
}
