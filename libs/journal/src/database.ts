import type { DatabaseSync } from 'node:sqlite';
import { JournalError } from './journal-files.js';
import { openDurable, type FileKind } from './open-durable.js';

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

/** The last confirmed entry of each queue, of an outbox that keeps entries after their confirm. */
export const KEPT_TABLES = `
  CREATE TABLE confirmed (
    queue TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;

const JOURNAL: FileKind = {
  noun: 'the journal',
  version: 1,
  tables: OUTBOX_TABLES,
  upgrades: [],
  mayHold: 'commands that were accepted may be in it',
  error: JournalError,
};

/** Throws a `JournalError` if it is no journal of this version. */
export function openJournal(file: string): DatabaseSync {
  return openDurable(file, JOURNAL);
}

export function oldestAtMs(database: DatabaseSync): number | undefined {
  const row = database.prepare('SELECT at_ms FROM entries WHERE set_aside_at_ms IS NULL ORDER BY seq LIMIT 1').get();
  return (row as { at_ms: number } | undefined)?.at_ms;
}
