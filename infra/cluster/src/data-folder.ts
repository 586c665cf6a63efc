import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Refused } from './refused.js';

/**
 * A cluster stores everything in one folder. A file in it marks the folder as a cluster's, and no other folder is ever
 * removed.
 */

const MARK = 'cluster.json';
const JOURNALS = 'journals';
const BRANCHES = 'branches';
const BEFORE_RESTORE = 'before-restore';
const SETTINGS = 'settings';
const ours = [
  MARK,
  'run.json',
  'log',
  'files',
  'postgres',
  'rabbitmq',
  'disks',
  'secrets',
  'ca.crt',
  'backup',
  JOURNALS,
  BRANCHES,
  BEFORE_RESTORE,
  SETTINGS,
];

/** The databases that restores have replaced. A person removes them. */
export function beforeRestoreDir(dir: string): string {
  return path.join(dir, BEFORE_RESTORE);
}

/** Settings of single services that the operator has written. */
export function settingsDir(dir: string): string {
  return path.join(dir, SETTINGS);
}

/** Journals of commands accepted while no broker was reachable: one file per process. */
export function journalsDir(dir: string): string {
  return path.join(dir, JOURNALS);
}

/** What a branch stores: its folder moves with it, whatever its process is named. */
export function branchDir(dir: string, branchId: string): string {
  return path.join(dir, BRANCHES, branchId);
}

class ForeignFolder extends Refused {
  override readonly name = 'ForeignFolder';
}

/**
 * Creates the folder, or uses one that is empty or has a cluster's data. Throws a `ForeignFolder` if it has other
 * content.
 */
export async function openDataFolder(dir: string): Promise<void> {
  // The user of PostgreSQL must be able to pass through the folder. Other users may therefore pass, but not list it.
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const names = await readdir(dir);
  if (names.includes(MARK)) return;
  if (names.length > 0) {
    throw new ForeignFolder(
      `${dir} holds other things (${names.slice(0, 3).join(', ')}): name another folder by --data DIR`,
    );
  }
  await writeFile(path.join(dir, MARK), '{"madeBy":"eco"}\n');
}

/** Removes a cluster's data, and the folder if it is then empty. False: there is no such folder. */
export async function removeDataFolder(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (!names.includes(MARK)) return false;
  // The mark is removed last, so that an interrupted removal can continue.
  for (const name of [...ours].reverse()) await rm(path.join(dir, name), { recursive: true, force: true });
  await rmdir(dir).catch(() => undefined);
  return true;
}
