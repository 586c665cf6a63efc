import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { UsageCommand } from '@eco/cluster';
import { registerToken } from './token.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-token-'));
afterAll(() => rmSync(dir, { recursive: true }));

/** The text with which the command refuses. */
async function refusal(...args: string[]): Promise<string> {
  let said = '';
  const program = new UsageCommand().exitOverride().configureOutput({ writeErr: (text) => (said += text) });
  registerToken(program);
  program.commands[0]?.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
  await program.parseAsync(['token', '--data', dir, ...args], { from: 'user' }).catch(() => undefined);
  return said.trim();
}

describe('eco token', () => {
  it.each([
    [['--role', 'owner'], /--role must be one of administrator, manager, /],
    [['--role', 'cashier'], /--role cashier needs --branch/],
    [['--role', 'customer'], /--role customer needs --customer/],
    [['--role', 'manager', '--branch', 'sucursal-1'], /--branch does not go with --role manager/],
    [['--role', 'cashier', '--branch', 'central'], /--branch is no branch/],
    [['--role', 'manager', '--scope', 'read'], /--scope does not go with --role manager/],
    [['--role', 'integration', '--scope', 'write'], /--scope must be events, read or a kind of command, not write/],
    [['--role', 'manager', '--minutes', '0'], /--minutes must be a whole number/],
    [['--role', 'manager'], /nothing runs with the data folder/],
  ])('%s is refused in one line', async (args, message) => {
    const said = await refusal(...args);
    expect(said).toMatch(message);
    expect(said.split('\n')).toHaveLength(1);
  });
});
