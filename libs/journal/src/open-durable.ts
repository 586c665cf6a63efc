import { DatabaseSync } from 'node:sqlite';

const BUSY_MS = 2000;

/** A kind of SQLite file that keeps what was acknowledged, and the words of its errors. */
export interface FileKind {
  /** Such as `the journal`. */
  readonly noun: string;
  /** A file of a greater version is refused. */
  readonly version: number;
  /** Statements that create the tables of a new file. */
  readonly tables: string;
  /** Statements that make a file of version 1, 2 … one of the next version. */
  readonly upgrades: readonly string[];
  /** Why nobody should delete a file that can't be read, such as `commands that were accepted may be in it`. */
  readonly mayHold: string;
  readonly error: new (message: string) => Error;
}

/** Opens a file in which a commit is on the disk when it returns, and creates its tables. Throws the kind's error. */
export function openDurable(file: string, kind: FileKind): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      prepare(database, file, kind);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof kind.error) throw error;
    throw new kind.error(
      `${kind.noun} ${file} can't be read (${(error as Error).message}): ${kind.mayHold}, so move it to a safe place, ` +
        'and start again',
    );
  }
}

function prepare(
  database: DatabaseSync,
  file: string,
  { noun, version, tables, upgrades, error: KindError }: FileKind,
): void {
  // In this order: writes before the second pragma would not be synced.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  const { user_version: found } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (found > version) {
    throw new KindError(`${noun} ${file} is of version ${found}, and this program knows ${version}: use a newer one`);
  }
  if (found === version) return;
  const statements = found === 0 ? tables : upgrades.slice(found - 1).join(';');
  database.exec(`BEGIN IMMEDIATE; ${statements}; PRAGMA user_version = ${version}; COMMIT;`);
}
