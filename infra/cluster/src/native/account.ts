import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, lstatSync } from 'node:fs';
import { findOnPath } from '../programs.js';
import { Refused } from '../refused.js';

/**
 * The user that runs PostgreSQL. PostgreSQL refuses root, so root runs it as the user `postgres` of its package; other
 * users run it themselves. The user `postgres` can't always reach the data folder (a clone under /root, for example).
 * Its processes then get, on Linux, the capability CAP_DAC_READ_SEARCH to pass through folders of others. They still
 * write only files that they own.
 */
export type Account =
  | { readonly type: 'same user' }
  | { readonly type: 'postgres'; readonly uid: number; readonly gid: number; readonly prefix: readonly string[] };

class UnreachableFolder extends Refused {
  override readonly name = 'UnreachableFolder';
}

/** Throws an `UnreachableFolder` that names the option to move it. `dir` exists already. */
export function accountFor(dir: string): Account {
  if (process.getuid?.() !== 0) return { type: 'same user' };
  const uid = idOf('-u');
  const gid = idOf('-g');
  const setpriv = findOnPath('setpriv');
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  const ways = setpriv
    ? [
        [setpriv, ...ids, '--'],
        [setpriv, ...ids, '--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search', '--'],
      ]
    : [];
  const prefix = ways.find((way) => canEnter(dir, way));
  if (prefix) return { type: 'postgres', uid, gid, prefix };
  throw new UnreachableFolder(
    `PostgreSQL does not run as root, and its user postgres can't reach ${dir}: choose a data folder that everybody may pass through by --data DIR`,
  );
}

/** The command line that runs a program as the account. */
export function commandAs(account: Account, program: string, args: readonly string[]): [string, string[]] {
  if (account.type === 'same user') return [program, [...args]];
  const [first, ...rest] = [...account.prefix, program, ...args];
  return [first ?? program, rest];
}

/** Makes the account the owner of a file or an empty folder that this process created. */
export function giveTo(account: Account, file: string): void {
  if (account.type === 'postgres' && lstatSync(file).uid !== account.uid) chownSync(file, account.uid, account.gid);
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
}

function canEnter(dir: string, [command = '', ...args]: readonly string[]): boolean {
  // The test enters the folder: `test -x` uses access(2), which ignores the capabilities of users other than root.
  return spawnSync(command, [...args, 'sh', '-c', 'cd "$0"', dir], { stdio: 'ignore', cwd: '/' }).status === 0;
}
