import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { UsageCommand } from '@eco/cluster';
import { registerCustomers } from './customers.js';

const dir = mkdtempSync(path.join(os.tmpdir(), 'eco-customers-'));
afterAll(() => rmSync(dir, { recursive: true }));

const file = (name: string, text: string) => {
  writeFileSync(path.join(dir, name), text);
  return path.join(dir, name);
};

/** The text with which `eco customers erase` refuses. */
async function refusal(...args: string[]): Promise<string> {
  let said = '';
  const program = new UsageCommand().exitOverride();
  registerCustomers(program);
  for (const command of program.commands[0]?.commands ?? []) {
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
  }
  await program.parseAsync(['customers', 'erase', '--data', dir, ...args], { from: 'user' }).catch(() => undefined);
  return said.trim();
}

it.each([
  ['no customer', [], /name customers, or a list with --from/],
  [
    'a list that is missing',
    ['--from', path.join(dir, 'none.json')],
    /none\.json is no list of erased customers: ENOENT/,
  ],
  ['a text', ['--from', file('text.json', 'ana')], /text\.json is no list of erased customers/],
  ['a list of something else', ['--from', file('other.json', '[{"id":"ana"}]')], /other\.json is no list/],
  ['an empty list', ['--from', file('empty.json', '[]')], /the list is empty/],
  ['what is no id', ['\u0000'], /is no customer id/],
  ['no running system', ['ana'], /nothing runs with the data folder/],
])('eco customers erase refuses %s', async (_, args, message) => {
  expect(await refusal(...args)).toMatch(message);
});
