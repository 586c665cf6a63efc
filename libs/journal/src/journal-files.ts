import { readdirSync } from 'node:fs';
import path from 'node:path';
import { FileLock, makeFiles } from './file-lock.js';

/** A journal is not available. One line: which one, why, and what to do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

const SUFFIX = '.journal';

export function journalFile(dir: string, name: string): string {
  return path.join(dir, name + SUFFIX);
}

/** Names of the journals in a folder, sorted; none when there is no such folder. */
export function journalNames(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((file) => file.endsWith(SUFFIX))
      .map((file) => file.slice(0, -SUFFIX.length))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new JournalError(`the folder of journals ${dir} can't be read: ${(error as Error).message}`);
  }
}

/** Creates missing folder and file, readable only by their owner: they contain people's orders. */
export function makeJournalFile(dir: string, name: string): void {
  try {
    makeFiles(dir, journalFile(dir, name), lockFile(dir, name));
  } catch (error) {
    throw new JournalError(`the folder of journals ${dir} can't be used: ${(error as Error).message}`);
  }
}

/**
 * The lock of a journal: two relays would send its commands in two orders. Waits for up to `waitMs`. Throws a
 * `JournalError` if another process has it.
 */
export function lockJournal(dir: string, name: string, { waitMs }: { waitMs: number }): FileLock {
  const lock = FileLock.take(lockFile(dir, name), { waitMs });
  if (lock) return lock;
  throw new JournalError(`the journal ${journalFile(dir, name)} is in use by the process ${name}: that one empties it`);
}

export function isInUse(dir: string, name: string): boolean {
  const lock = FileLock.take(lockFile(dir, name), { waitMs: 0 });
  lock?.release();
  return lock === undefined;
}

function lockFile(dir: string, name: string): string {
  return path.join(dir, `${name}.lock`);
}
