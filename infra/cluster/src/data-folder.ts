import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Refused } from './refused.js';

/** What a cluster keeps lies in one folder, which a file in it marks as ours: nothing else is ever removed. */

const MARK = 'cluster.json';
const JOURNALS = 'journals';
const ours = [MARK, 'run.json', 'log', 'postgres', 'rabbitmq', 'disks', 'secrets', JOURNALS];

/** Of what was accepted while no broker could be reached: a file a process. */
export function journalsDir(dir: string): string {
  return path.join(dir, JOURNALS);
}

class ForeignFolder extends Refused {
  override readonly name = 'ForeignFolder';
}

/** Makes the folder, or takes one that is empty or ours. Throws a `ForeignFolder` when others have something in it. */
export async function openDataFolder(dir: string): Promise<void> {
  // Others may pass through, as PostgreSQL's user must, and see nothing.
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

/** Removes what a cluster kept, and the folder when that was all; false when there is no such folder. */
export async function removeDataFolder(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (!names.includes(MARK)) return false;
  // The mark last, so that a removal that was cut short can go on.
  for (const name of [...ours].reverse()) await rm(path.join(dir, name), { recursive: true, force: true });
  await rmdir(dir).catch(() => undefined);
  return true;
}
