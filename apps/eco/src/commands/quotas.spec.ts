import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { BranchQuota } from '@eco/contracts';
import { UsageCommand } from '@eco/cluster';
import { quotasText, registerQuotas } from './quotas.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-quotas-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** The text with which `eco quotas` refuses. */
async function refusal(...args: string[]): Promise<string> {
  let said = '';
  const program = new UsageCommand().exitOverride();
  registerQuotas(program);
  for (const command of program.commands[0]?.commands ?? []) {
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
  }
  await program.parseAsync(['quotas', ...args, '--data', dir], { from: 'user' }).catch(() => undefined);
  return said.trim();
}

it.each([
  ['no number', ['recall', 'sucursal-1', 'cafe', 'all'], /units must be a whole number from 1 to/],
  ['no units', ['recall', 'sucursal-1', 'cafe', '0'], /units must be a whole number from 1 to/],
  ['a write-off without a reason', ['write-off', 'sucursal-1', 'cafe', '3'], /--reason must say why/],
  ['a settlement without a reason', ['settle', 'sucursal-1', 'cafe', 'x'], /units must be .*; --reason must say why/],
  ['the end of a freeze without a reason', ['unfreeze', 'sucursal-1'], /--reason must say why/],
  ['no running system', ['list'], /nothing runs with the data folder/],
])('eco quotas refuses %s', async (_, args, message) => {
  expect(await refusal(...args)).toMatch(message);
});

const quota: BranchQuota = {
  ...{ branchId: 'sucursal-1', productId: 'cafe', granted: 1200, spent: 8, since: null, remaining: 1192 },
  ...{ idleSince: '2026-11-27T12:00:00.000Z', inTransit: 3, quarantine: 0, writtenOff: 2, discrepancy: 1 },
  ...{ contactAt: '2026-11-29T11:00:00.000Z', isSilent: false, frozenReason: null },
};

it('lists the units of each branch, since when they are idle, and why it gets none', () => {
  const noon = Date.parse('2026-11-29T12:00:00.000Z');
  const lines = (...quotas: BranchQuota[]) =>
    quotasText(quotas, noon)
      .split('\n')
      .slice(3, -1)
      .map((line) => line.split('│').map((cell) => cell.trim()));
  const later = { ...quota, since: '2026-11-01T12:00:00.000Z' };
  const frozen = { ...quota, isSilent: true, frozenReason: 'two entries', contactAt: null, idleSince: null };
  const cells = ['3', '0', '2', '1'];
  expect(lines(quota, later, { ...quota, isSilent: true }, frozen)).toEqual([
    ['', 'sucursal-1', 'cafe', '1,200', '8', '1,192', ...cells, '2 d', '2026-11-29T11:00:00.000Z', '', ''],
    ['', 'sucursal-1', 'cafe', '1,200+', '8+', '1,192', ...cells, '2 d', '2026-11-29T11:00:00.000Z', '', ''],
    ['', 'sucursal-1', 'cafe', '1,200', '8', '1,192', ...cells, '2 d', '2026-11-29T11:00:00.000Z', 'silent', ''],
    ['', 'sucursal-1', 'cafe', '1,200', '8', '1,192', ...cells, '', 'never', 'frozen: two entries', ''],
  ]);
  expect(quotasText([], noon)).toBe('no branch has units');
});
