import path from 'node:path';
import { rm } from 'node:fs/promises';
import type { Address, Login } from '@eco/base';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import { formatPosition, positionOf, type GroupPosition } from '@eco/routing';
import { authorityFile } from '../authority.js';
import { trustLayout, type DatabaseNode, type GroupLayout } from '../layout.js';
import { accountFor, giveTo, type Account } from '../native/account.js';
import { Refused } from '../refused.js';
import type { Run } from '../run-file.js';
import { openSecrets, passwordLine, writeSecretFile, type Secrets } from '../secrets.js';
import { backupsIn, POSITION_NOTE, type Backup } from './backups.js';
import { runPgbackrest } from './pgbackrest.js';
import { nodeFolder, selection } from './repository.js';

const ANSWER_MS = 10_000;
/** Time limit of a checkpoint, ms: it writes all changed pages. */
const CHECKPOINT_MS = 600_000;

export type BackupKind = 'full' | 'diff';

export interface BackUpOptions {
  readonly program: string;
  readonly dataDir: string;
  readonly run: Pick<Run, 'layout'>;
  /** Folder of the repository. */
  readonly backupsDir: string;
  readonly kind: BackupKind;
}

/** Backs up the primary of each group, while it runs. Throws a `Refused` if one has no primary, or if pgBackRest fails. */
export async function backUp(options: BackUpOptions): Promise<(Backup & { readonly groupId: string })[]> {
  const { layout } = options.run;
  trustLayout(layout);
  const secrets = await openSecrets(options.dataDir);
  const done: (Backup & { readonly groupId: string })[] = [];
  // One after the other: a backup reads all data, and groups may share a disk.
  for (const group of layout.groups) done.push({ ...(await backUpGroup(group, secrets, options)), groupId: group.id });
  return done;
}

async function backUpGroup(group: GroupLayout, secrets: Secrets, options: BackUpOptions): Promise<Backup> {
  const { program, dataDir, backupsDir, kind } = options;
  const login = { user: 'eco_monitor', password: secrets.database.eco_monitor };
  const primary = primaryOf(await askNodes(group.nodes, login, ANSWER_MS));
  const node = group.nodes.find(({ host, port }) => host === primary?.node.host && port === primary.node.port);
  if (node === undefined) throw new Refused(`no primary of group ${group.id} answers: see "npx eco status"`);
  const account = accountFor(dataDir);
  const selected = selection(backupsDir, group.id, nodeFolder(dataDir, node));
  await checkpoint(node, secrets);
  await withPassword({ dataDir, node, account, secrets }, (environment) =>
    runPgbackrest({ program, account, selected, command: 'backup', args: [`--type=${kind}`], environment }),
  );
  // The position is read after the backup, so its data contains it or an earlier one.
  const position = await positionAt(node, login);
  const made = await lastBackup(options, group.id, account);
  await runPgbackrest({
    program,
    account,
    selected,
    command: 'annotate',
    args: [`--set=${made.label}`, `--annotation=${POSITION_NOTE}=${position}`],
  });
  return lastBackup(options, group.id, account);
}

/** Until its first checkpoint a promoted node's control file has the former timeline, and pgBackRest refuses the node. */
async function checkpoint(node: Address, { database }: Secrets): Promise<void> {
  using connection = new SideConnection(node, { user: 'postgres', password: database.postgres }, 'eco backup');
  await connection.ask('CHECKPOINT', [], CHECKPOINT_MS);
}

async function lastBackup({ program, backupsDir }: BackUpOptions, groupId: string, account: Account): Promise<Backup> {
  const selected = selection(backupsDir, groupId);
  const text = await runPgbackrest({ program, account, selected, command: 'info', args: ['--output=json'] });
  const last = backupsIn(text)[0]?.backups.at(-1);
  if (last === undefined) throw new Error(`pgBackRest made a backup of ${groupId} and does not list it`);
  return last;
}

async function positionAt(node: Address, login: Login): Promise<string> {
  using connection = new SideConnection(node, login, 'eco backup');
  return formatPosition(positionOf([await readPosition(connection)]));
}

/** The last batch that the node has. */
export async function readPosition(connection: SideConnection): Promise<GroupPosition> {
  const [row] = await connection.ask<{ group_id: string; term: string; tag: string; seq: string }>(
    'SELECT group_id, term, tag, seq FROM eco.group_position',
    [],
    ANSWER_MS,
  );
  if (row === undefined) throw new Refused('this database has not been prepared for a group');
  const { group_id: group, term, tag, seq } = row;
  return { group, term: Number(term), tag, seq: Number(seq) };
}

export interface PasswordOptions {
  readonly dataDir: string;
  readonly node: DatabaseNode;
  readonly account: Account;
  readonly secrets: Secrets;
}

/**
 * Calls `work` with an environment in which libpq reaches the node as superuser. The password is in a file only
 * meanwhile. pgBackRest reads the data folder as its owner, so a lesser role would protect nothing.
 */
export async function withPassword<T>(
  { dataDir, node, account, secrets }: PasswordOptions,
  work: (environment: Record<string, string>) => Promise<T>,
): Promise<T> {
  const file = path.join(nodeFolder(dataDir, node), `${process.pid}.pgpass`);
  await writeSecretFile(file, passwordLine('postgres', secrets.database.postgres));
  try {
    giveTo(account, file);
    return await work({
      PGHOST: node.host,
      PGPASSFILE: file,
      HOME: nodeFolder(dataDir, node),
      ...(node.authority !== undefined && { PGSSLMODE: 'verify-full', PGSSLROOTCERT: authorityFile(dataDir) }),
    });
  } finally {
    await rm(file, { force: true });
  }
}
