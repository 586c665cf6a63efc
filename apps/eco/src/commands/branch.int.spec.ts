import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BranchDatabase } from '@eco/branch';
import { PROJECT_DIR } from '@eco/cluster';

const ECO = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');

let data: string;
beforeEach(() => {
  data = mkdtempSync(path.join(os.tmpdir(), 'eco-restored-'));
});
afterEach(() => rmSync(data, { recursive: true }));

function eco(...args: string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ECO, 'branch', 'restored', ...args], {
    encoding: 'utf8',
  });
  return { code: status, text: stdout + stderr };
}

function openBranch(): BranchDatabase {
  return new BranchDatabase({
    ...{ dir: path.join(data, 'branches', 'sucursal-1'), branchId: 'sucursal-1', name: 'sucursal-api-1' },
    ...{ limitBytes: 1e9, series: 'A', coin: 0, taxBasisPoints: 1600 },
  });
}

it('says that a stopped branch was copied back, so that it begins a new incarnation', () => {
  expect(eco('sucursal-1', '--data', data)).toMatchObject({
    code: 2,
    text: expect.stringMatching(/there is no database of a branch/) as string,
  });
  const branch = openBranch();
  const running = eco('sucursal-1', '--data', data);
  branch.close();
  expect(running).toMatchObject({ code: 2, text: expect.stringMatching(/in use by another process/) as string });
  expect(eco('sucursal-1', '--data', data)).toMatchObject({
    code: 0,
    text: expect.stringMatching(/^branch sucursal-1 begins incarnation 2/) as string,
  });
  const again = openBranch();
  expect(again.status).toMatchObject({ incarnation: 2, frozen: 'restored' });
  again.close();
});
