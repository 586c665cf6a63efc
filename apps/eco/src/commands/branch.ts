import { backUpBranch, BranchDatabaseError, markRestored } from '@eco/branch';
import { branchDir } from '@eco/cluster';
import type { Command } from 'commander';
import { asBadInput, BadInput, print } from '../input.js';
import { dataDirOf, dataOption } from '../target.js';

interface BranchOptions {
  readonly data?: string;
  readonly dir?: string;
}

interface BackupOptions extends BranchOptions {
  readonly to: string;
}

const DIR_OPTION = '--dir <dir>';
const DIR_TEXT = 'folder of the branch (default: ECO_BRANCH_DIR, else that of the branch in the data folder)';

/** `eco branch backup` and `eco branch restored`: the database of a branch, and a copy of it that was put back. */
export function registerBranch(program: Command): void {
  const branch = program
    .command('branch')
    .description('the database of a branch: back it up, and say that it was restored');
  dataOption(
    branch
      .command('backup [branch]')
      .description("store a copy of a branch's database in a file, while its API runs or is stopped"),
  )
    .requiredOption('--to <file>', 'file of the copy, on another machine or disk')
    .option(DIR_OPTION, DIR_TEXT)
    .action((branchId: string | undefined, options: BackupOptions, command: Command) =>
      print(command, () => asBadInput([BranchDatabaseError], () => Promise.resolve(backUp(branchId, options)))),
    );
  dataOption(
    branch
      .command('restored [branch]')
      .description('say that the folder of a branch was copied back from a backup; its API must be stopped'),
  )
    .option(DIR_OPTION, DIR_TEXT)
    .action((branchId: string | undefined, options: BranchOptions, command: Command) =>
      print(command, () => asBadInput([BranchDatabaseError], () => Promise.resolve(restored(branchId, options)))),
    );
}

function backUp(branchId: string | undefined, { to, ...where }: BackupOptions): string {
  backUpBranch(folderOf(branchId, where), to);
  return `${to} has a copy of the database`;
}

function restored(branchId: string | undefined, options: BranchOptions): string {
  const marked = markRestored(folderOf(branchId, options));
  return (
    `branch ${marked.branchId} begins incarnation ${marked.incarnation}: after its next start it sells from quota once ` +
    'it has reached the head office'
  );
}

function folderOf(branchId: string | undefined, { data, dir }: BranchOptions): string {
  if (dir !== undefined) return dir;
  if (branchId !== undefined) return branchDir(dataDirOf({ ...(data !== undefined && { data }) }), branchId);
  const own = process.env['ECO_BRANCH_DIR'];
  if (data === undefined && own) return own;
  throw new BadInput('name the branch, such as sucursal-1, or its folder with --dir');
}
