import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;
const OWNER_ONLY = 0o600;

/**
 * A file belongs to one process. The lock is SQLite's lock on a separate file. The system releases it when its holder
 * ends in any way, and it works across containers.
 */
export class FileLock {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Waits for up to `waitMs` and blocks the process meanwhile. Undefined: another process has it. */
  static take(file: string, { waitMs }: { waitMs: number }): FileLock | undefined {
    const database = new DatabaseSync(file, { timeout: waitMs });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new FileLock(database);
    } catch (error) {
      database.close();
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
      return undefined;
    }
  }

  release(): void {
    this.#database.close();
  }
}

/** Creates missing folder and files, readable only by their owner. */
export function makeFiles(dir: string, ...files: readonly string[]): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  for (const file of files) closeSync(openSync(file, 'a', OWNER_ONLY));
  // Otherwise a power failure could lose the name of a new file, and its content with it.
  const folder = openSync(dir, 'r');
  fsyncSync(folder);
  closeSync(folder);
}
