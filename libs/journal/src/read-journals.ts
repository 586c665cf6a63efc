import { oldestAtMs, openJournal } from './database.js';
import { isInUse, journalFile, journalNames } from './journal-files.js';

/** A journal as seen from outside, in use or not. */
export interface JournalReport {
  readonly name: string;
  readonly file: string;
  /** False: its process does not run, so nothing empties it. */
  readonly inUse: boolean;
  /** Commands that wait for the brokers. */
  readonly depth: number;
  /** Age of the oldest of them, ms; undefined: none waits. */
  readonly oldestMs: number | undefined;
  readonly bytes: number;
  readonly setAside: readonly ParkedCommand[];
}

interface ParkedCommand {
  readonly id: string;
  readonly queue: string;
  readonly reason: string;
  /** ms since 1970. */
  readonly atMs: number;
}

/** All journals of a folder, by name. Throws a `JournalError` if one can't be read. */
export function readJournals(dir: string): JournalReport[] {
  return journalNames(dir).map((name) => readJournal(dir, name));
}

function readJournal(dir: string, name: string): JournalReport {
  const file = journalFile(dir, name);
  const inUse = isInUse(dir, name);
  const database = openJournal(file);
  try {
    const { depth, bytes } = database
      .prepare('SELECT count(*) - count(set_aside_at_ms) AS depth, coalesce(sum(bytes), 0) AS bytes FROM entries')
      .get() as { depth: number; bytes: number };
    const setAside = database
      .prepare(
        `SELECT id, queue, reason, set_aside_at_ms AS "atMs" FROM entries
         WHERE set_aside_at_ms IS NOT NULL ORDER BY seq`,
      )
      .all() as unknown as ParkedCommand[];
    const oldest = oldestAtMs(database);
    const oldestMs = oldest === undefined ? undefined : Math.max(0, Date.now() - oldest);
    return { name, file, inUse, depth, oldestMs, bytes, setAside: setAside.map((each) => ({ ...each })) };
  } finally {
    database.close();
  }
}
