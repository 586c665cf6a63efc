import { composeRotateKeys, readRun, Refused, rotateSigningKey } from '@eco/cluster';
import type { Command } from 'commander';
import { asBadInput, BadInput, print } from '../input.js';
import { dataDirOf, isComposeMeant, targetOptions, type Where } from '../target.js';

/** `eco keys`: the keys of access tokens. */
export function registerKeys(program: Command): void {
  const keys = program.command('keys').description('keys of access tokens');
  targetOptions(keys.command('rotate').description('sign with a new key; nobody is logged out')).action(
    (options: Where, command: Command) => print(command, rotate(options)),
  );
}

async function rotate(options: Where): Promise<string> {
  if (await isComposeMeant(options)) return asBadInput([Refused], composeRotateKeys);
  const dataDir = dataDirOf(options);
  const run = readRun(dataDir);
  if (run === undefined) {
    throw new BadInput(
      `nothing runs with the data folder ${dataDir}: start it by "npm start", or name another by --data`,
    );
  }
  return keyRotated(await rotateSigningKey(dataDir, run.layout.services));
}

export function keyRotated(kid: string): string {
  return `access tokens are signed with the key ${kid}; older ones are accepted until they expire`;
}
