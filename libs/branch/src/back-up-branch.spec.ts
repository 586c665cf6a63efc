import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { backUpBranch } from './back-up-branch.js';
import { cashSale, openBranch, stock } from './test/shop.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-'));
const folder = path.join(dir, 'branch');
afterAll(() => rmSync(dir, { recursive: true }));

test('a backup is made while the branch sells, and what is put back begins a new incarnation', async () => {
  const branch = openBranch(folder);
  await stock(branch, { cafe: 5 });
  const backup = path.join(dir, 'backup.sqlite');
  backUpBranch(folder, backup);
  expect(statSync(backup).mode & 0o777).toBe(0o600);
  expect(() => backUpBranch(folder, backup)).toThrow(/exists: name a new file/);
  expect(() => backUpBranch(path.join(dir, 'nowhere'), `${backup}.2`)).toThrow(/there is no database of a branch/);
  expect(() => backUpBranch(folder, path.join(dir, 'no', 'folder'))).toThrow(/could not be stored/);
  await branch.sales.sell(cashSale('cafe'));
  branch.close();
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  copyFileSync(backup, path.join(dir, 'branch', 'branch.sqlite'));
  const restored = openBranch(folder);
  expect(restored.status).toMatchObject({ incarnation: 2, frozen: 'restored' });
  restored.close();
});
