import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A journal is not available. One line: which one, why, and what to do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

const SUFFIX = '.journal';
const SQLITE_BUSY = 5;
const OWNER_ONLY = 0o600;

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
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    touch(journalFile(dir, name));
    touch(lockFile(dir, name));
    // Otherwise a power failure could lose the name of a new file, and its content with it.
    const folder = openSync(dir, 'r');
    fsyncSync(folder);
    closeSync(folder);
  } catch (error) {
    throw new JournalError(`the folder of journals ${dir} can't be used: ${(error as Error).message}`);
  }
}

/**
 * A journal belongs to one process: two relays would send its commands in two orders. The lock is SQLite's lock on a
 * separate file. The system releases it when its holder ends in any way, and it works across containers.
 */
export class JournalLock {
  readonly #database: DatabaseSync;

  /** Waits for up to `waitMs` and blocks the process meanwhile. Throws a `JournalError` if another process has it. */
  constructor(dir: string, name: string, { waitMs }: { waitMs: number }) {
    this.#database = new DatabaseSync(lockFile(dir, name), { timeout: waitMs });
    try {
      this.#database.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      this.#database.close();
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
      throw new JournalError(
        `the journal ${journalFile(dir, name)} is in use by the process ${name}: that one empties it`,
      );
    }
  }

  release(): void {
    this.#database.close();
  }
}

export function isInUse(dir: string, name: string): boolean {
  try {
    new JournalLock(dir, name, { waitMs: 0 }).release();
    return false;
  } catch (error) {
    if (error instanceof JournalError) return true;
    throw error;
  }
}

function lockFile(dir: string, name: string): string {
  return path.join(dir, `${name}.lock`);
}

function touch(file: string): void {
  closeSync(openSync(file, 'a', OWNER_ONLY));
}
