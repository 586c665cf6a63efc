import {
  backUp,
  ensurePrograms,
  readBackups,
  readRun,
  type Backup,
  type BackupKind,
  type GroupBackups,
} from '@eco/cluster';
import { formatPosition, positionOf } from '@eco/routing';
import { Option, type Command } from 'commander';
import { backupsOption } from '../describe.js';
import { BadInput, json, print, printChecked } from '../input.js';
import { runOf } from '../operate.js';
import { dataDirOf, dataOption } from '../target.js';
import { tableOf } from '../text-table.js';

interface BackupOptions {
  readonly data?: string;
  readonly full?: true;
  readonly diff?: true;
  readonly json?: true;
}

interface ListOptions {
  readonly data?: string;
  readonly backups?: string;
  readonly json?: true;
}

/** `eco backup` and `eco backups`: backups of the databases, by pgBackRest. */
export function registerBackups(program: Command): void {
  dataOption(program.command('backup').description('back up the databases of the running system'))
    .addOption(new Option('--full', 'all data').conflicts('diff'))
    .option('--diff', 'what has changed since the last full backup (default); the first one is full')
    .option('--json', 'print JSON')
    .action((options: BackupOptions, command: Command) => print(command, () => backup(options)));
  dataOption(program.command('backups').description('list the backups of the databases, and what can be restored'))
    .addOption(backupsOption())
    .option('--json', 'print JSON')
    .action((options: ListOptions, command: Command) =>
      printChecked(
        command,
        (violations) => backupsDirOf(options, violations),
        (dir) => list(dir, options),
      ),
    );
}

async function backup({ full, json: asJson, ...where }: BackupOptions): Promise<string> {
  const { dataDir, run } = runOf(where);
  const { backupsDir } = run;
  if (backupsDir === undefined) {
    throw new BadInput('the running system has no folder for backups: start it with --backups DIR');
  }
  const kind: BackupKind = full ? 'full' : 'diff';
  const made = await backUp({ program: await pgbackrest(), dataDir, run, backupsDir, kind });
  if (asJson) return json(made);
  return tableOf(
    heads,
    made.map((each) => rowOf(each.groupId, each)),
  );
}

async function list(dir: string, options: ListOptions): Promise<string> {
  const groups = await readBackups(await pgbackrest(), dir);
  if (options.json) return json(groups);
  return [
    tableOf(
      heads,
      groups.flatMap(({ groupId, backups }) => backups.map((each) => rowOf(groupId, each))),
    ),
    ...groups.map(archiveLine),
  ].join('\n');
}

/** The named folder, else that of the running system. */
function backupsDirOf({ backups, ...where }: ListOptions, violations: string[]): string {
  const dir = backups || readRun(dataDirOf(where))?.backupsDir;
  if (dir === undefined) violations.push('name the folder of the backups by --backups DIR');
  return dir ?? '';
}

async function pgbackrest(): Promise<string> {
  const { pgbackrest: program } = await ensurePrograms(() => undefined, { backups: true });
  if (program === undefined) throw new Error('pgBackRest was found and is gone');
  return program;
}

const heads = ['group', 'backup', 'kind', 'began', 'can restore from', 'and from position', '>data', '>stored'];

function rowOf(groupId: string, each: Backup): string[] {
  return [
    groupId,
    each.label,
    each.kind,
    each.startedAt.toISOString(),
    each.endedAt.toISOString(),
    each.position === undefined ? '' : formatPosition(positionOf([each.position])),
    megabytes(each.dataBytes),
    megabytes(each.storedBytes),
  ];
}

function archiveLine({ groupId, backups, lastSegment, archivedAt }: GroupBackups): string {
  if (backups.length === 0) return `${groupId}: no backup, so nothing can be restored: run "npx eco backup"`;
  const when = archivedAt === undefined ? '' : `, stored at ${archivedAt.toISOString()}`;
  return `${groupId}: any later time up to the end of the log can be restored, too: segment ${lastSegment ?? 'none'}${when}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
