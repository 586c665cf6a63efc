import { BranchDatabaseError, markRestored } from '@eco/branch';
import { branchDir } from '@eco/cluster';
import type { Command } from 'commander';
import { asBadInput, BadInput, print } from '../input.js';
import { dataDirOf, dataOption } from '../target.js';

interface RestoredOptions {
  readonly data?: string;
  readonly dir?: string;
}

/** `eco branch restored`: a branch's folder was copied back from a backup. */
export function registerBranch(program: Command): void {
  const branch = program.command('branch').description('what only a person can say about a branch’s database');
  dataOption(
    branch
      .command('restored [branch]')
      .description('say that the folder of a branch was copied back from a backup; its API must be stopped'),
  )
    .option('--dir <dir>', 'folder of the branch (default: ECO_BRANCH_DIR, else that of the branch in the data folder)')
    .action((branchId: string | undefined, options: RestoredOptions, command: Command) =>
      print(
        command,
        asBadInput([BranchDatabaseError], () => Promise.resolve(restored(branchId, options))),
      ),
    );
}

function restored(branchId: string | undefined, options: RestoredOptions): string {
  const marked = markRestored(folderOf(branchId, options));
  return (
    `branch ${marked.branchId} begins incarnation ${marked.incarnation}: after its next start it sells from quota once ` +
    'it has reached the head office'
  );
}

function folderOf(branchId: string | undefined, { data, dir }: RestoredOptions): string {
  if (dir !== undefined) return dir;
  if (branchId !== undefined) return branchDir(dataDirOf({ ...(data !== undefined && { data }) }), branchId);
  const own = process.env['ECO_BRANCH_DIR'];
  if (data === undefined && own) return own;
  throw new BadInput('name the branch, such as sucursal-1, or its folder with --dir');
}
