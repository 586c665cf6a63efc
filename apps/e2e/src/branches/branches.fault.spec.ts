import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '@eco/base';
import { PROJECT_DIR } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { BranchSystem } from './branch-system.js';
import type { BranchProcess } from './branch-process.js';
import { disturbBranch, disturbWriters, randomOf } from './chaos.js';
import { untilDrained } from './records.js';
import { repeatCommands } from './repeater.js';
import type { Till } from './till.js';

/*
 * A branch goes on selling when everything else is gone, sells no unit that another branch or the web shop sells, and every sale is at the
 * head office exactly once. Real processes and a real broker. The lines of the branches lead through this process, which
 * cuts them.
 */

const isFull = process.env['ECO_TEST_BRANCHES'] === 'full';
const seed = Number(process.env['ECO_TEST_SEED'] ?? Date.now() % 1_000_000);
const DISTURBED_MS = isFull ? 600_000 : 20_000;
const OFFLINE_SALES = isFull ? 100_000 : 1_000;
const TILLS = 2;
const DRAIN_MS = isFull ? 1_200_000 : 120_000;
const ECO = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');
const PRODUCT = 'shared';
const UNITS = 1_000;
const FIRST_UNITS = 20;

let system: BranchSystem;
let tills: Till[] = [];

beforeAll(async () => {
  process.stderr.write(`branches: ECO_TEST_SEED=${seed}\n`);
  system = await BranchSystem.start();
  await system.createProduct(PRODUCT, UNITS);
  await Promise.all(system.branches.map((branch) => branch.start()));
  tills = await Promise.all(
    system.branches.flatMap((branch) =>
      Array.from({ length: TILLS }, (_, index) => system.till(branch, String(index + 1), PRODUCT)),
    ),
  );
  // The head office sends the first units; a branch asks for more by itself.
  await Promise.all(system.branches.map((branch) => system.send(branch, PRODUCT, FIRST_UNITS)));
}, 300_000);

afterAll(async () => {
  const { ECO_TEST_KEEP: keep } = process.env;
  if (keep) await cp(path.join(system.cluster.dataDir, 'log'), keep, { recursive: true });
  await system?.close();
}, 120_000);

const tillsOf = (branch: BranchProcess) => tills.filter((till) => till.branch === branch);
const [norte, sur, este] = [0, 1, 2].map((index) => () => system.branches[index] as BranchProcess) as [
  () => BranchProcess,
  () => BranchProcess,
  () => BranchProcess,
];

/** The web shop orders until the signal, or until `orders` orders. */
async function order(signal: AbortSignal, quantity: () => number, pauseMs: number): Promise<number> {
  let confirmed = 0;
  while (!signal.aborted) {
    const lines = [{ productId: PRODUCT, quantity: quantity() }];
    const said = await system.central
      .post('/orders', { customerId: 'web', lines }, { 'idempotency-key': randomUUID(), prefer: 'wait=10' })
      .catch(() => undefined);
    if (said?.status === 201) confirmed += 1;
    await sleep(pauseMs, signal);
  }
  return confirmed;
}

async function sellOut(till: Till): Promise<void> {
  while ((await till.sell(1)) === undefined);
}

test('three branches and the web shop sell 1,000 units through cuts, crashes, doubled deliveries and clock jumps: none twice, none lost', async () => {
  const random = randomOf(seed);
  const quantity = () => 1 + Math.floor(random() * 3);
  const ended = AbortSignal.timeout(DISTURBED_MS);
  const violations: string[] = [];
  let snapshots = 0;
  const verify = async () => {
    while (!ended.aborted) {
      violations.push(...(await system.records.violations()));
      snapshots += 1;
      await sleep(500, ended);
    }
  };
  // The units last for the whole time.
  const pauseMs = DISTURBED_MS / 100;
  const [kills, doubled, confirmed, , ...happened] = await Promise.all([
    disturbWriters(system, random, ended),
    repeatCommands(system, random, ended),
    order(ended, quantity, pauseMs),
    verify(),
    ...system.branches.map((branch) => disturbBranch(branch, random, ended)),
    ...tills.map((till) => till.run(ended, quantity, pauseMs).then(() => ({}))),
  ]);
  for (const till of tills) expect(till.wrong).toEqual([]);
  // Everything is repaired: the rest is sold at once, until nobody has a unit.
  const soldOut = new AbortController();
  const shop = order(soldOut.signal, () => 1, 0);
  await eventually('nobody has a unit', async () => {
    // Each till sells what its branch holds now; a branch may get more until the pool is empty.
    await Promise.all(tills.map((till) => sellOut(till)));
    const left = await Promise.all(system.branches.map((branch) => system.remaining(branch, PRODUCT)));
    const { 'in transit': inTransit = 0 } = await system.records.units(PRODUCT);
    const idle = [await system.records.pool(PRODUCT), inTransit, ...left];
    if (idle.some((units) => units > 0)) throw new Error(`pool, in transit, branches: ${idle.join(', ')}`);
    return true;
  });
  soldOut.abort();
  await shop;

  const differences: string[] = [];
  let sold = 0;
  for (const branch of system.branches) {
    const known = tillsOf(branch).flatMap(({ sales }) => sales);
    differences.push(...(await system.records.differences(branch, await system.managerOf(branch), known)));
    const sales = await system.records.sales(branch.branchId);
    sold += sales.reduce((sum, sale) => sum + sale.quantity, 0);
    expect(sales.filter(({ excess }) => excess !== 0)).toEqual([]);
  }
  expect(differences).toEqual([]);
  const ordered = await system.records.orderedUnits(PRODUCT);
  const { 'in transit': inTransit = 0, ...levels } = await system.records.units(PRODUCT);
  const left = Object.values(levels).reduce((sum, units) => sum + units, 0);
  process.stderr.write(
    `${sold} units sold at branches, ${ordered} by orders, ${left} left; ${kills} writers killed, ${doubled} commands delivered twice, ` +
      `${snapshots} snapshots, ` +
      `${confirmed} orders while disturbed, ${tills.reduce((sum, till) => sum + till.repeats, 0)} repeats, ` +
      `${JSON.stringify(happened.filter((each) => Object.keys(each).length > 0))}\n`,
  );
  // Every unit is sold once. Ordered units stay on hand, reserved, until their order is fulfilled.
  expect([sold + ordered, left, inTransit]).toEqual([UNITS, ordered, 0]);
  expect(sold).toBeGreaterThan(0);
  expect([...violations, ...(await system.records.violations())]).toEqual([]);
  expect(snapshots).toBeGreaterThan(0);
  expect(doubled).toBeGreaterThan(0);
  expect(await system.records.openDeadLetters()).toEqual([]);
}, 900_000);

test('a branch that starts with no line at all sells what it holds, and nothing more', async () => {
  const branch = norte();
  const productId = 'offline';
  await system.createProduct(productId, 20_000_000);
  await system.send(branch, productId, OFFLINE_SALES + 10);
  await branch.end('SIGTERM');
  branch.line.cut('down');
  const startMs = await branch.start();
  const offline = await Promise.all(
    Array.from({ length: 8 }, (_, index) => system.till(branch, `offline${index}`, productId)),
  );
  tills.push(...offline);
  const startedAt = performance.now();
  let begun = 0;
  await Promise.all(
    offline.map(async (till) => {
      while ((begun += 1) <= OFFLINE_SALES) expect(await till.sell(1)).toBeUndefined();
    }),
  );
  const sellMs = performance.now() - startedAt;
  expect(await offline[0]?.sell(11)).toBe('quota-short');
  expect(await system.remaining(branch, productId)).toBe(10);
  expect(await system.status(branch)).toMatchObject({ online: { brokers: false }, journal: { parked: 0 } });

  branch.line.mend();
  const mendedAt = performance.now();
  const manager = await system.managerOf(branch);
  await untilDrained(branch, manager, DRAIN_MS);
  const drainMs = performance.now() - mendedAt;
  const known = tillsOf(branch).flatMap(({ sales }) => sales);
  expect(await system.records.differences(branch, manager, known)).toEqual([]);
  expect(await system.records.violations()).toEqual([]);
  const took = offline.flatMap(({ tookMs }) => tookMs).sort((a, b) => a - b);
  process.stderr.write(
    `${OFFLINE_SALES} sales offline at 8 tills: ${Math.round(OFFLINE_SALES / (sellMs / 1000))}/s, ` +
      `p99 ${took[Math.floor(took.length * 0.99)]?.toFixed(1)} ms, delivered in ${(drainMs / 1000).toFixed(1)} s; ` +
      `started without a line in ${Math.round(startMs)} ms\n`,
  );
}, 3_600_000);

const FILE = 'branch.sqlite';

/**
 * Puts an older copy of a branch's database into its place. The counter file next to it shows that; if the counter is
 * replaced too, only a person can say it.
 */
const restorations: readonly [name: string, restore: (branch: BranchProcess, copy: string) => Promise<void>][] = [
  [
    'its database alone',
    async (branch, copy) => {
      for (const suffix of ['', '-wal', '-shm']) await rm(path.join(branch.dir, FILE + suffix), { force: true });
      await cp(path.join(copy, FILE), path.join(branch.dir, FILE));
    },
  ],
  [
    'its whole folder, which an operator states',
    async (branch, copy) => {
      await rm(branch.dir, { recursive: true });
      await cp(copy, branch.dir, { recursive: true });
      await promisify(execFile)(process.execPath, [ECO, 'branch', 'restored', '--dir', branch.dir]);
    },
  ],
];

test.each(restorations)(
  'a branch restored from an older copy (%s) sells only what is left',
  async (name, restore) => {
    const branch = sur();
    const manager = await system.managerOf(branch);
    const productId = `restored-${restorations.findIndex(([each]) => each === name)}`;
    await system.createProduct(productId, 1_000);
    await system.send(branch, productId, 50);
    const till = await system.till(branch, productId.replace('-', ''), productId);
    expect(await till.sell(5)).toBeUndefined();
    const before = Number((await system.status(branch))['incarnation']);
    const copy = path.join(system.cluster.dataDir, 'copy');
    await branch.end('SIGTERM');
    await rm(copy, { recursive: true, force: true });
    await cp(branch.dir, copy, { recursive: true });
    await branch.start();
    // These sales are at the head office, and not in the copy.
    for (let n = 0; n < 5; n += 1) expect(await till.sell(5)).toBeUndefined();
    await untilDrained(branch, manager);
    await branch.end('SIGTERM');
    await restore(branch, copy);

    branch.line.cut('down');
    await branch.start();
    expect(await system.status(branch)).toMatchObject({ frozen: 'restored', incarnation: before + 1 });
    expect(await till.sell(1)).toBe('not-reconciled');
    branch.line.mend();
    await eventually(
      'the branch has taken over its levels',
      async () => (await system.status(branch))['frozen'] === null,
    );
    expect(await system.remaining(branch, productId)).toBeGreaterThanOrEqual(20);
    expect(await till.sell(20)).toBeUndefined();
    await untilDrained(branch, manager);
    const sales = await eventually('all sales are at the head office', async () => {
      const found = await system.records.sales(branch.branchId);
      return till.sales.every(({ saleId }) => found.some(({ sale_id }) => sale_id === saleId)) && found;
    });
    expect(sales.filter(({ excess }) => excess !== 0)).toEqual([]);
    expect(new Set(sales.map(({ receipt_number }) => receipt_number)).size).toBe(sales.length);
    expect(await system.records.violations()).toEqual([]);
  },
  300_000,
);

test.each([
  ['ahead', 86_400_000],
  ['behind', -86_400_000],
])(
  'a branch whose clock is a day %s sells and delivers, and its sales have its own time',
  async (name, aheadMs) => {
    const branch = este();
    const manager = await system.managerOf(branch);
    const productId = `clock-${name}`;
    await branch.end('SIGTERM');
    branch.setClock(aheadMs);
    await branch.start();
    try {
      await system.createProduct(productId, 100);
      await system.send(branch, productId, 20);
      const till = await system.till(branch, name, productId);
      expect(await till.sell(2)).toBeUndefined();
      await untilDrained(branch, manager);
      const sale = await eventually('the sale is at the head office', async () =>
        (await system.records.sales(branch.branchId)).find(({ sale_id }) => sale_id === till.sales[0]?.saleId),
      );
      const offMs = sale.sold_at.getTime() - Date.now() - aheadMs;
      expect(Math.abs(offMs)).toBeLessThan(60_000);
      expect(await system.records.openDeadLetters()).toEqual([]);
    } finally {
      branch.setClock(0);
    }
    expect(await system.records.violations()).toEqual([]);
  },
  300_000,
);
