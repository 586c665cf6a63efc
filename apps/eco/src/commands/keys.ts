import { readRun, rotateSigningKey } from '@eco/cluster';
import type { Command } from 'commander';
import { BadInput, print } from '../input.js';
import { dataDirOf, dataOption } from '../target.js';

interface Options {
  readonly data?: string;
}

/** `eco keys`: the keys of access tokens. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('keys of access tokens');
  dataOption(keys.command('rotate').description('sign with a new key; nobody is logged out')).action(
    (options: Options, command: Command) => print(command, rotate(options)),
  );
}

async function rotate(options: Options): Promise<string> {
  const dataDir = dataDirOf(options);
  const run = readRun(dataDir);
  if (run === undefined) {
    throw new BadInput(
      `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another by --data`,
    );
  }
  const kid = await rotateSigningKey(dataDir, run.layout.services);
  return `access tokens are signed with the key ${kid}; older ones are accepted until they expire`;
}
