import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DatabaseNode } from '../layout.js';
import { giveTo, type Account } from '../native/account.js';
import { Refused } from '../refused.js';

/**
 * The repository of pgBackRest: a folder with the backups and the write-ahead log of each group, which is a stanza. Its
 * `pgbackrest.conf` states where and how backups are stored. The first start writes it, and then it belongs to the
 * operator, who may name an S3-compatible store there. What differs between nodes is in a file of the data folder.
 */

const CONFIGURATION = 'pgbackrest.conf';
const NODE_CONFIGURATION = 'node.conf';

/**
 * Most log that the primary keeps while the repository takes none. Beyond it pgBackRest drops log, because a full disk
 * would end all sales. A backup is then needed before a later point can be restored.
 */
const QUEUE_MAX = '4GiB';

/** Longest time until a commit is in the repository, s: a segment that is not full is archived, too. */
export const ARCHIVE_TIMEOUT_S = 60;

function configuration(dir: string): string {
  return [
    '# Where and how backups are stored: https://pgbackrest.org/configuration.html. EcoMarket does not change this file.',
    '[global]',
    `repo1-path=${dir}`,
    '# Fewer files: small ones are stored together.',
    'repo1-bundle=y',
    '# Older full backups expire, with the differential ones that need them.',
    'repo1-retention-full=2',
    'compress-type=zst',
    'process-max=2',
    'start-fast=y',
    'log-level-file=off',
    `archive-push-queue-max=${QUEUE_MAX}`,
    '',
  ].join('\n');
}

/** Creates the folder, or uses one that has a repository. Throws a `Refused` if it has other content. */
export async function openRepository(dir: string, account: Account): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const names = await readdir(dir);
  if (names.includes(CONFIGURATION)) return;
  if (names.length > 0) {
    throw new Refused(
      `${dir} holds other things (${names.slice(0, 3).join(', ')}): name another folder by --backups DIR`,
    );
  }
  giveTo(account, dir);
  const file = configurationFile(dir);
  // Groups start at the same time, and each opens the repository.
  await writeFile(file, configuration(dir), { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  giveTo(account, file);
}

/** Throws a `Refused` if the folder has no repository. */
export async function checkRepository(dir: string): Promise<void> {
  const names = await readdir(dir).catch((): string[] => []);
  if (!names.includes(CONFIGURATION)) {
    throw new Refused(`${dir} has no backups: name the folder by --backups DIR`);
  }
}

/** Whether a loss of the data's disk takes the backups, too. */
export async function isOnSameDisk(dir: string, dataDir: string): Promise<boolean> {
  const [one, other] = await Promise.all([stat(dir), stat(dataDir)]);
  return one.dev === other.dev;
}

export function configurationFile(dir: string): string {
  return path.join(dir, CONFIGURATION);
}

/** Folder of the settings and locks of a node's pgBackRest. */
export function nodeFolder(dataDir: string, node: Pick<DatabaseNode, 'name'>): string {
  return path.join(dataDir, 'backup', node.name);
}

export interface NodeOfRepository {
  readonly dataDir: string;
  readonly groupId: string;
  readonly node: Pick<DatabaseNode, 'name' | 'port'>;
  /** Folder of the node's data. */
  readonly nodeDir: string;
  readonly account: Account;
}

/** Writes the settings of a node's pgBackRest. It is repeated at each start, because ports may change. */
export async function writeNodeConfiguration({
  dataDir,
  groupId,
  node,
  nodeDir,
  account,
}: NodeOfRepository): Promise<void> {
  const folder = nodeFolder(dataDir, node);
  // The user of PostgreSQL passes through the upper folder, which root has made.
  await mkdir(path.dirname(folder), { recursive: true, mode: 0o711 });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const text = [
    '[global]',
    `lock-path=${folder}`,
    `[${groupId}]`,
    `pg1-path=${nodeDir}`,
    `pg1-port=${node.port}`,
    'pg1-user=postgres',
    '',
  ].join('\n');
  const file = path.join(folder, NODE_CONFIGURATION);
  await writeFile(file, text, { mode: 0o600 });
  giveTo(account, folder);
  giveTo(account, file);
}

/** Arguments that select the repository, the stanza and, if named, the node. */
export function selection(dir: string, groupId: string, folder?: string): string[] {
  return [
    `--config=${configurationFile(dir)}`,
    ...(folder === undefined ? [] : [`--config-include-path=${folder}`]),
    `--stanza=${groupId}`,
  ];
}

/** Value of archive_command: a line for the shell in which PostgreSQL replaces %p. */
export function archiveCommand(program: string, dir: string, groupId: string, folder: string): string {
  return `${lineOf([program, ...selection(dir, groupId, folder), 'archive-push'])} %p`;
}

/** Value of restore_command: a line for the shell in which PostgreSQL replaces %f and %p. */
export function restoreCommand(program: string, dir: string, groupId: string, folder: string): string {
  return `${lineOf([program, ...selection(dir, groupId, folder), 'archive-get'])} %f %p`;
}

function lineOf(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", `'\\''`).replaceAll('%', '%%')}'`).join(' ');
}
