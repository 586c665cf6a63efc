import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { violationsOf } from './test/check.js';
import { sellUntilKilled, type Sold } from './test/selling.js';
import { cashSale, openBranch, valueOf } from './test/shop.js';

/*
 * A till's server is killed in the middle of a sale, again and again, on one database. A power failure additionally
 * tests the syncs: power.fault.spec.ts.
 */

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-killed-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Steps of a sale, in their order; true: the sale is on the disk by then. */
const steps: readonly (readonly [string, boolean])[] = [
  ['begun', false],
  ['spent', false],
  ['numbered', false],
  ['stored', false],
  ['appended', false],
  ['finished', false],
  ['committed', true],
  ['counted', true],
];

it('is all of a sale or nothing, wherever the process is killed, and a repeat makes it one sale', async () => {
  const sold: Sold[] = [];
  for (const [step, isKept] of steps) {
    const last = await sellUntilKilled({ dir, sales: 1000, step, atSale: 3 });
    sold.push(last);
    const interrupted = last.begun.at(-1) ?? '';
    expect([step, last.begun.length, last.receipts.size]).toEqual([step, 3, 2]);
    const branch = openBranch(dir, { limitBytes: 4e9 });
    try {
      expect(branch.status).toMatchObject({ incarnation: 1, frozen: undefined });
      expect([step, violationsOf(branch, sold)]).toEqual([step, []]);
      expect([step, branch.sales.sale(interrupted) !== undefined]).toEqual([step, isKept]);
      const request = { ...cashSale('cafe', 2), id: interrupted, tender: { cash: { moneyReceivedCents: 5000 } } };
      const repeated = await branch.sales.sell({ ...request, actor: undefined });
      expect(repeated).toMatchObject({ type: 'done', repeated: isKept });
      sold.push({ begun: [], receipts: new Map([[interrupted, valueOf(repeated).receiptNumber]]) });
      expect(violationsOf(branch, sold)).toEqual([]);
    } finally {
      branch.close();
    }
  }
});

it('keeps every acknowledged sale of several tills, however often the process is killed', async () => {
  const sold: Sold[] = [];
  for (let kill = 0; kill < 4; kill += 1) {
    sold.push(await sellUntilKilled({ dir, sales: 20 + kill * 60, callers: 4 }));
    const branch = openBranch(dir, { limitBytes: 4e9 });
    expect(violationsOf(branch, sold)).toEqual([]);
    branch.close();
  }
});
