import { DatabaseSync } from 'node:sqlite';
import { JournalError } from './journal-files.js';

const VERSION = 1;
const BUSY_MS = 2000;
/** Approximate overhead of an entry in SQLite; more than that of a command in a message. */
export const ENTRY_BYTES = 100;

/** The tables of an `Outbox`. */
export const OUTBOX_TABLES = `
  CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    text TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    set_aside_at_ms INTEGER,
    reason TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_waiting ON entries (queue, seq) WHERE set_aside_at_ms IS NULL;
  CREATE INDEX IF NOT EXISTS entries_set_aside ON entries (seq) WHERE set_aside_at_ms IS NOT NULL`;

/** Throws a `JournalError` if it is no journal of this version. */
export function openDatabase(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      prepare(database, file);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof JournalError) throw error;
    throw new JournalError(
      `the journal ${file} can't be read (${(error as Error).message}): commands that were accepted may be in it, so ` +
        'move it to a safe place, and start again',
    );
  }
}

function prepare(database: DatabaseSync, file: string): void {
  // In this order: writes before the second pragma would not be synced.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > VERSION) {
    throw new JournalError(
      `the journal ${file} is of version ${version}, and this program knows ${VERSION}: use a newer one`,
    );
  }
  if (version === VERSION) return;
  database.exec(`BEGIN IMMEDIATE; ${OUTBOX_TABLES}; PRAGMA user_version = ${VERSION}; COMMIT;`);
}

export function oldestAtMs(database: DatabaseSync): number | undefined {
  const row = database.prepare('SELECT at_ms FROM entries WHERE set_aside_at_ms IS NULL ORDER BY seq LIMIT 1').get();
  return (row as { at_ms: number } | undefined)?.at_ms;
}
