import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Relay } from '@eco/journal';
import type { BranchDatabase } from './branch-database.js';
import { cashSale, openBranch, stock, valueOf, waitingCommands } from './test/shop.js';

/*
 * A branch on a separate disk that runs full. Needs Linux and root, like other fault specs.
 */

const UNITS = 1_000_000;
let dir: string;
let branch: BranchDatabase | undefined;
let undo: (() => void)[];

beforeEach(() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('a disk is mounted by root on Linux');
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-full-'));
  undo = [() => rmSync(dir, { recursive: true })];
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40960k', 'eco-branch', dir]);
  undo.push(() => execFileSync('umount', [dir]));
});
afterEach(() => {
  branch?.close();
  branch = undefined;
  for (const step of undo.reverse()) step();
});

/** Fills the rest of the disk. */
function fill(): string {
  const filler = path.join(dir, 'filler');
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) writeFileSync(filler, chunk, { flag: 'a' });
  } catch {
    return filler;
  }
}

const sell = (till = '1') => (branch as BranchDatabase).sales.sell(cashSale('cafe', 1, { till }));
const remaining = () => branch?.catalogue.quota('cafe')?.remaining;

it('refuses a sale clearly when the disk is full, loses nothing, and sells again when there is room', async () => {
  branch = openBranch(dir);
  await stock(branch, { cafe: UNITS });
  const filler = fill();
  let sold = 0;
  const request = cashSale('cafe');
  let last = await sell();
  for (; last.type === 'done'; last = await sell()) sold += 1;
  expect(last).toMatchObject({ type: 'full', obstacle: expect.stringMatching(/ENOSPC|full/) as string });
  expect(sold).toBeGreaterThan(10);
  expect(branch.status.obstacle).toMatch(/ENOSPC|full/);
  expect([remaining(), waitingCommands(branch).length]).toEqual([UNITS - sold, sold + 1]);
  // A repeated request gets its response, and reads work.
  const first = branch.sales.page({ limit: sold }).at(-1);
  expect(branch.sales.saleWithReceipt(first?.receiptNumber ?? '')).toEqual(first);

  // Commands are sent on the full disk, each once, and their space serves for further sales.
  const sent: string[] = [];
  const relay = new Relay({
    journal: branch.outbox,
    publish: async (_lane, texts) => {
      await Promise.resolve();
      sent.push(...texts.map((text) => (JSON.parse(text) as { id: string }).id));
      return { type: 'confirmed' };
    },
  });
  relay.start();
  await relay.idle();
  expect([sent.length, new Set(sent).size, branch.status.depth]).toEqual([sold + 1, sold + 1, 0]);
  await relay.stop();

  // The process ends and starts again, and the disk is still full.
  branch.close();
  branch = openBranch(dir);
  expect([remaining(), branch.status.frozen]).toEqual([UNITS - sold, undefined]);

  rmSync(filler);
  const { receiptNumber } = valueOf(await branch.sales.sell(request));
  const numbers = branch.sales.page({ limit: 1_000_000 }).map((sale) => Number(sale.receiptNumber.split('-').at(-1)));
  expect(receiptNumber.endsWith(`-${numbers[0]}`)).toBe(true);
  expect(numbers).toEqual(numbers.map((_, index) => numbers.length - index));
  expect(branch.status.obstacle).toBeUndefined();
});
