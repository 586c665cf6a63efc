import { brokenChecks, verifyGroup } from '@eco/database';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import { eventually, type TestCluster } from '@eco/testing';
import type { BranchProcess } from './branch-process.js';
import type { TillSale } from './till.js';

/*
 * What the head office has recorded, compared with what the branches and their tills know.
 */

const READ_MS = 60_000;

interface RecordedSale extends Record<string, unknown> {
  readonly sale_id: string;
  readonly receipt_number: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly quantity: number;
  readonly excess: number;
  readonly sold_at: Date;
}

export class Records {
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  async sql<R extends Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    using connection = new SideConnection(await this.#primary(), this.#login, 'eco branches');
    return await connection.ask<R>(text, [...values], READ_MS);
  }

  /** A sentence for each rule that the data breaks in one snapshot. */
  async violations(): Promise<string[]> {
    const report = await verifyGroup(await this.#primary(), this.#login);
    return brokenChecks(report).map(
      ({ rule, name, offences, says, first }) => `${rule} ${name}: ${offences} times: ${says} ${JSON.stringify(first)}`,
    );
  }

  /** The sales of a branch in the order in which the head office has decided them. */
  sales(branchId: string): Promise<RecordedSale[]> {
    return this.sql<RecordedSale>(
      `SELECT s.sale_id, s.receipt_number, e.incarnation::int, e.sequence::int, s.sold_at,
              (SELECT sum((line ->> 'quantity')::int)::int FROM jsonb_array_elements(s.lines) line) AS quantity,
              (SELECT coalesce(sum((x ->> 'quantity')::int), 0)::int FROM jsonb_array_elements(s.excess) x) AS excess
       FROM eco.sale s JOIN eco.entry e ON e.command_id = s.sale_id JOIN eco.outcome u ON u.command_id = s.sale_id
       WHERE s.branch_id = $1 ORDER BY u.seq, u.n, u.command_id`,
      [branchId],
    );
  }

  /** Units that were sold by orders. */
  async orderedUnits(productId: string): Promise<number> {
    const [row] = await this.sql<{ units: number }>(
      `SELECT coalesce(sum((line ->> 'quantity')::int), 0)::int AS units
       FROM eco.orders o CROSS JOIN jsonb_array_elements(o.lines) line
       WHERE o.status = 'confirmed' AND line ->> 'productId' = $1`,
      [productId],
    );
    return row?.units ?? 0;
  }

  /** Units that the head office may sell or grant. */
  async pool(productId: string): Promise<number> {
    const [row] = await this.sql<{ available: number }>(
      `SELECT (on_hand - reserved)::int AS available FROM eco.stock_level WHERE product_id = $1 AND location = 'central'`,
      [productId],
    );
    return row?.available ?? 0;
  }

  /** Units by location, and those in transit. */
  async units(productId: string): Promise<Record<string, number>> {
    const rows = await this.sql<{ location: string; units: number }>(
      `SELECT location, on_hand::int AS units FROM eco.stock_level WHERE product_id = $1
       UNION ALL SELECT 'in transit', coalesce(sum(quantity), 0)::int FROM eco.transfer
       WHERE product_id = $1 AND status = 'in-transit'`,
      [productId],
    );
    return Object.fromEntries(rows.map(({ location, units }) => [location, units]));
  }

  async openDeadLetters(): Promise<unknown[]> {
    return this.sql(`SELECT kind, error_class, reason FROM eco.dead_letter WHERE state = 'open'`);
  }

  /**
   * Waits until everything that the branch has recorded is at the head office, and compares it. Returns a sentence for each
   * difference. `known`: the sales that its tills know.
   */
  async differences(branch: BranchProcess, authorization: string, known: readonly TillSale[]): Promise<string[]> {
    const { branchId } = branch;
    await untilDrained(branch, authorization);
    const own = await ownSales(branch, authorization);
    const there = await eventually(`all sales of ${branchId} are at the head office`, async () => {
      const sales = await this.sales(branchId);
      if (sales.length < own.length) throw new Error(`${sales.length} of ${own.length}`);
      return sales;
    });
    const places = await this.sql<{ incarnation: number; entries: number; last: number }>(
      `SELECT incarnation::int, count(DISTINCT sequence)::int AS entries, max(sequence)::int AS last
       FROM eco.entry WHERE branch_id = $1 GROUP BY incarnation`,
      [branchId],
    );
    return [
      ...missing('the branch lacks a sale that a till knows', known.map(receiptOf), own.map(receiptOf)),
      ...missing('the head office lacks a sale', own.map(receiptOf), there.map(recordedReceiptOf)),
      ...twice('a sale is twice at the head office', there.map(recordedReceiptOf)),
      ...outOfOrder(there).map((text) => `${branchId}: ${text}`),
      ...gaps(there.map(({ receipt_number }) => receipt_number)),
      ...places.flatMap(({ incarnation, entries, last }) =>
        entries === last ? [] : [`${branchId}: ${entries} entries up to ${last} of incarnation ${incarnation}`],
      ),
    ];
  }

  /** It is looked up each time, because a failover changes it. */
  #primary() {
    const nodes = this.#cluster.groups[0]?.nodes ?? [];
    return eventually('a primary', async () => primaryOf(await askNodes(nodes, this.#login))?.node);
  }

  get #login() {
    const { user, password } = this.#cluster.system.databaseLogin('eco_operator');
    return { user, password };
  }
}

/** Waits until nothing waits in the branch's outbox. */
export async function untilDrained(branch: BranchProcess, authorization: string, deadlineMs = 60_000): Promise<void> {
  await eventually(
    `${branch.branchId} has delivered everything`,
    async () => {
      const { status, text, body } = await branch.send('GET', '/status', authorization);
      const journal = (body?.['journal'] ?? {}) as { depth?: number; parked?: number };
      if (status !== 200 || journal.parked !== 0) throw new Error(text);
      return journal.depth === 0;
    },
    { deadlineMs },
  );
}

interface OwnSale {
  readonly saleId: string;
  readonly receiptNumber: string;
}

async function ownSales(branch: BranchProcess, authorization: string): Promise<OwnSale[]> {
  const sales: OwnSale[] = [];
  for (let after: string | null = ''; after !== null;) {
    const where = `/sales?limit=1000${after === '' ? '' : `&after=${after}`}`;
    const { status, text, body } = await branch.send('GET', where, authorization);
    if (status !== 200) throw new Error(`${where}: ${status} ${text}`);
    const page = body as unknown as { items: OwnSale[]; next: string | null };
    sales.push(...page.items);
    after = page.next;
  }
  return sales;
}

const receiptOf = ({ saleId, receiptNumber }: OwnSale | TillSale) => `${saleId} ${receiptNumber}`;
const recordedReceiptOf = ({ sale_id, receipt_number }: RecordedSale) => `${sale_id} ${receipt_number}`;

function missing(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const there = new Set(found);
  return expected.filter((each) => !there.has(each)).map((each) => `${what}: ${each}`);
}

function twice(what: string, all: readonly string[]): string[] {
  const seen = new Set<string>();
  return all.filter((each) => seen.size === seen.add(each).size).map((each) => `${what}: ${each}`);
}

/** Sales that the head office has decided before an earlier one. */
function outOfOrder(sales: readonly RecordedSale[]): string[] {
  return sales.flatMap((sale, index) => {
    const before = sales[index - 1];
    if (before === undefined || before.incarnation < sale.incarnation) return [];
    if (before.incarnation === sale.incarnation && before.sequence < sale.sequence) return [];
    return [`${sale.receipt_number} was decided after ${before.receipt_number}`];
  });
}

/** Receipt numbers end with a hyphen and a number; what is before them names series, branch, till and incarnation. */
function gaps(receipts: readonly string[]): string[] {
  const numbers = new Map<string, Set<number>>();
  for (const receipt of receipts) {
    const [, series = '', number = ''] = /^(.*)-(\d+)$/.exec(receipt) ?? [];
    numbers.set(series, (numbers.get(series) ?? new Set()).add(Number(number)));
  }
  return [...numbers].flatMap(([series, found]) => {
    const last = Math.max(...found);
    return found.size === last && !found.has(0) ? [] : [`receipts ${series}: ${found.size} up to ${last}`];
  });
}
