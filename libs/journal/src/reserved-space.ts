import { closeSync, fstatSync, ftruncateSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/*
 * A file on a full disk must still be able to empty itself, and SQLite needs space for that too: a DELETE is
 * appended to the WAL, which can start again at its beginning only once all of it has been copied into the database
 * file. Both work without new space if
 * - every page of the database is in its file. The database grows only here, by pages that were written to the file
 *   first, and a work is accepted only while enough of them are free;
 * - the WAL has its greatest size from the beginning. It is copied after every `checkpointPages`, so it holds these
 *   and the pages of one transaction. SQLite never shrinks it while it is open, and removes it with the last
 *   connection. So between two runs a file of its size reserves the space.
 *
 * An empty journal therefore takes some 600 kB.
 */

const PAGE_BYTES = 4096;
/** Payload of an overflow page; the rest is the number of the next page. */
const PAGE_PAYLOAD_BYTES = PAGE_BYTES - 4;
/** Most pages of one growth (2 MB). A growth costs about six syncs, so it is as large as the space allows. */
const GROWTH_PAGES_MAX = 512;

/** Sizes for which space is reserved, in pages. */
export interface SpaceBudget {
  /** Written pages after which the WAL is copied into the database file. */
  readonly checkpointPages: number;
  /** Pages of one transaction. */
  readonly transactionPages: number;
  /** Pages that indexes and a removal may need in addition. */
  readonly sparePages: number;
  /** Pages by which the file grows if the disk has room for them. */
  readonly growthPages: number;
}

/** Most pages that an entry takes: it may begin a page of the table, and the rest overflows. */
export function pagesOf(bytes: number): number {
  return 1 + Math.ceil(bytes / PAGE_PAYLOAD_BYTES);
}

/**
 * Most pages that are written between two checkpoints. The largest transaction is a growth: it takes all free pages and
 * the new ones.
 */
function walPagesOf({ checkpointPages, transactionPages, sparePages }: SpaceBudget): number {
  return transactionPages + sparePages + Math.max(checkpointPages, transactionPages) + 8;
}

export class ReservedSpace {
  /** Bytes of the WAL and the index next to it. Each page has a header, and each transaction writes pages of its own. */
  readonly filesBytes: number;
  readonly #database: DatabaseSync;
  /**
   * Descriptor of the file, open as long as the database. Closing any descriptor of a file releases all of the
   * process's locks on it (fcntl(2)), and SQLite relies on these.
   */
  readonly #fd: number;

  readonly #budget: SpaceBudget;
  readonly #walPages: number;

  /** Nothing else writes to `database`. */
  constructor(database: DatabaseSync, file: string, budget: SpaceBudget) {
    this.#database = database;
    this.#budget = budget;
    this.#walPages = walPagesOf(budget);
    this.filesBytes = (this.#walPages + 16) * (PAGE_BYTES + 24) + 32 * 1024;
    database.exec(`
      PRAGMA wal_autocheckpoint = ${budget.checkpointPages};
      CREATE TABLE IF NOT EXISTS filler (bytes BLOB)`);
    this.#fd = openSync(file, 'r+');
  }

  /** Gives the WAL its size. Throws if there is no space for it. */
  reserveWal(): void {
    const free = this.#freePages;
    // The first run reserves more pages than it needs. Pages that were in use cost a few more, and a later run needs
    // space too.
    if (free < this.#walPages) this.#extendBy(this.#walPages + this.#budget.sparePages - free, free);
    else this.#takeAndGiveBack(this.#walPages);
  }

  /** Throws if there is no space; nothing has changed then. */
  ensureFree(pages: number): void {
    for (let free = this.#freePages; free < pages + this.#budget.sparePages;) {
      const before = free;
      this.#grow(free);
      free = this.#freePages;
      if (free <= before) throw new Error('the file could not be made larger');
    }
  }

  /** Call it after the database was closed. */
  close(): void {
    closeSync(this.#fd);
  }

  #grow(free: number): void {
    const { growthPages, transactionPages } = this.#budget;
    try {
      this.#extendBy(growthPages, free);
    } catch (error) {
      if (growthPages === transactionPages) throw error;
      this.#extendBy(transactionPages, free);
    }
  }

  #extendBy(pages: number, free: number): void {
    // After this the file contains all pages of the database, and the WAL starts again at its beginning.
    this.#checkpoint();
    const before = fstatSync(this.#fd).size;
    try {
      const zeros = Buffer.alloc(Math.max(0, this.#fileBytes - before) + pages * PAGE_BYTES);
      for (let at = 0; at < zeros.length;) at += writeSync(this.#fd, zeros, at, zeros.length - at, before + at);
      // The database uses new pages only when no other page is free, so all free pages are taken first.
      this.#takeAndGiveBack(free + pages);
    } catch (error) {
      ftruncateSync(this.#fd, Math.max(before, this.#fileBytes));
      throw error;
    }
  }

  #takeAndGiveBack(pages: number): void {
    this.#database.exec(`INSERT INTO filler VALUES (zeroblob(${(pages - 1) * PAGE_PAYLOAD_BYTES}))`);
    this.#checkpoint();
    // This also removes the filler of an interrupted growth.
    this.#database.exec('DELETE FROM filler');
    this.#checkpoint();
  }

  get #freePages(): number {
    return this.#number('PRAGMA freelist_count');
  }

  get #fileBytes(): number {
    return this.#number('PRAGMA page_count') * PAGE_BYTES;
  }

  #checkpoint(): void {
    this.#database.exec('PRAGMA wal_checkpoint(RESTART)');
  }

  #number(pragma: string): number {
    return Number(Object.values(this.#database.prepare(pragma).get() as Record<string, unknown>)[0]);
  }
}

/** How much a file with this limit of its content grows at once. */
export function growthPagesOf(limitBytes: number, transactionPages: number): number {
  const quarter = Math.floor(limitBytes / 4 / PAGE_BYTES);
  return Math.min(GROWTH_PAGES_MAX, Math.max(transactionPages, quarter));
}

/**
 * Reserves the space of the files that SQLite removes with its last connection. This is a precaution, so a failure is
 * ignored.
 */
export function keepPlace(file: string, bytes: number): void {
  try {
    writeFileSync(placeholder(file), Buffer.alloc(bytes), { mode: 0o600 });
  } catch {
    // What was written before the disk was full is the space available.
  }
}

export function freePlace(file: string): void {
  rmSync(placeholder(file), { force: true });
}

function placeholder(file: string): string {
  return `${file}-reserved`;
}
