import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Log } from '@eco/broker';
import { MAX_MESSAGE_BYTES } from '@eco/contracts';
import { ENTRY_BYTES, oldestAtMs, openDatabase } from './database.js';
import { journalFile, JournalLock, makeJournalFile } from './journal-files.js';
import { hasRoom } from './lane.js';

export interface JournalOptions {
  dir: string;
  /** Of the process whose it is: names the file. */
  name: string;
  /** What its commands may take, bytes. The file itself is somewhat larger, and does not get smaller again. */
  limitBytes: number;
  log?: Log;
}

/** A command that is accepted by being kept. */
export interface NewEntry {
  /** Where it goes. Entries of one queue are a lane. */
  readonly queue: string;
  readonly id: string;
  /** As JSON. */
  readonly text: string;
}

export interface Entry {
  readonly seq: number;
  readonly text: string;
  /** That it takes. */
  readonly bytes: number;
}

/**
 * - `kept`: it is on the disk, and will be brought to the brokers.
 * - `full`: there is no room for it. It is nowhere.
 * - `failed`: the disk or the file failed with it. It may be there, and may be sent later.
 */
export type Appended = { type: 'kept' } | { type: 'full' } | { type: 'failed'; error: string };

interface Pending {
  readonly entry: NewEntry;
  readonly bytes: number;
  readonly resolve: (appended: Appended) => void;
}

/** A process that was just started again may come before its predecessor has quite ended. */
const LOCK_WAIT_MS = 3000;

/**
 * Accepted commands that no broker has confirmed, in a file of SQLite: appended, read from the head, removed when they were
 * confirmed. An append is on the disk when its promise resolves (WAL with `synchronous = FULL`: one fsync a commit);
 * what comes in one turn of the event loop shares a commit. The fsync holds up the process for as long as the disk takes.
 *
 * What its lanes hold is counted in memory, so asking whether a command joins a tail costs nothing.
 */
export class Journal {
  readonly name: string;
  readonly file: string;
  readonly limitBytes: number;
  readonly #log: Log | undefined;
  readonly #lock: JournalLock;
  readonly #database: DatabaseSync;
  readonly #statements: Record<'insert' | 'head' | 'remove' | 'setAside', StatementSync>;
  /** Commands that wait, by queue. */
  readonly #depths = new Map<string, number>();
  readonly #listeners = new Set<(queue: string) => void>();
  #pending: Pending[] = [];
  #bytes = 0;
  #setAsideCount = 0;
  #isOpen = true;
  #counts = { kept: 0, removed: 0, setAside: 0, full: 0, failed: 0 };
  #lastError: string | undefined;

  /** Throws a `JournalError` when the file is in use, or can't be had. */
  constructor({ dir, name, limitBytes, log }: JournalOptions) {
    this.name = name;
    this.file = journalFile(dir, name);
    this.limitBytes = limitBytes;
    this.#log = log;
    makeJournalFile(dir, name);
    this.#lock = new JournalLock(dir, name, { waitMs: LOCK_WAIT_MS });
    try {
      this.#database = openDatabase(this.file);
      this.#statements = {
        insert: this.#database.prepare('INSERT INTO entries (queue, id, text, bytes, at_ms) VALUES (?, ?, ?, ?, ?)'),
        head: this.#database.prepare(
          'SELECT seq, text, bytes FROM entries WHERE queue = ? AND set_aside_at_ms IS NULL ORDER BY seq LIMIT ?',
        ),
        remove: this.#database.prepare('DELETE FROM entries WHERE queue = ? AND seq <= ? AND set_aside_at_ms IS NULL'),
        setAside: this.#database.prepare('UPDATE entries SET set_aside_at_ms = ?, reason = ? WHERE seq = ?'),
      };
      this.#count();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** Commands that wait to be brought to `queue`; also those whose commit is under way. */
  depth(queue: string): number {
    return this.#depths.get(queue) ?? 0;
  }

  /** Queues that something waits for. */
  get queues(): string[] {
    return [...this.#depths.keys()];
  }

  get isFull(): boolean {
    return !hasRoom(this.#bytes, MAX_MESSAGE_BYTES, this.limitBytes);
  }

  /** What went wrong at the last access to the file; undefined: nothing. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  get status() {
    return {
      ...this.#counts,
      depth: [...this.#depths.values()].reduce((sum, depth) => sum + depth, 0),
      bytes: this.#bytes,
      setAsideNow: this.#setAsideCount,
    };
  }

  /** When the oldest command that waits came, ms since 1970; undefined: none waits. */
  get oldestAtMs(): number | undefined {
    return oldestAtMs(this.#database);
  }

  /** What was appended last of all that is still in the file; undefined: it is empty. */
  get lastText(): string | undefined {
    const row = this.#database.prepare('SELECT text FROM entries ORDER BY seq DESC LIMIT 1').get();
    return row?.['text'] as string | undefined;
  }

  /** Calls `listener` with the queue of what was kept. */
  onKept(listener: (queue: string) => void): void {
    this.#listeners.add(listener);
  }

  append(entry: NewEntry): Promise<Appended> {
    if (!this.#isOpen) return Promise.resolve({ type: 'failed', error: 'the journal is closed' });
    const bytes = Buffer.byteLength(entry.text) + ENTRY_BYTES;
    if (!hasRoom(this.#bytes, bytes, this.limitBytes)) {
      this.#counts.full += 1;
      return Promise.resolve({ type: 'full' });
    }
    this.#account(entry.queue, 1, bytes);
    return new Promise((resolve) => {
      this.#pending.push({ entry, bytes, resolve });
      if (this.#pending.length === 1) setImmediate(() => this.#commit());
    });
  }

  /** The first of a lane, as many as are asked for and one message holds; at least one if there is one. */
  head(queue: string, most: number): Entry[] {
    const entries = this.#statements.head.all(queue, most) as unknown as Entry[];
    let bytes = 0;
    const tooMuch = entries.findIndex((entry) => (bytes += entry.bytes) > MAX_MESSAGE_BYTES);
    return tooMuch < 0 ? entries : entries.slice(0, Math.max(1, tooMuch));
  }

  /** These, the head of their lane, were confirmed. */
  remove(queue: string, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#statements.remove.run(queue, last.seq);
    this.#counts.removed += entries.length;
    const bytes = entries.reduce((sum, { bytes: own }) => sum + own, 0);
    this.#account(queue, -entries.length, -bytes);
  }

  /** It leaves its lane and stays in the file, until somebody looks into it. */
  setAside(queue: string, entry: Entry, reason: string): void {
    this.#statements.setAside.run(Date.now(), reason, entry.seq);
    this.#counts.setAside += 1;
    this.#setAsideCount += 1;
    this.#account(queue, -1, 0);
    this.#log?.error(
      { journal: this.name, queue, reason, command: entry.text },
      'a command is set aside in the journal',
    );
  }

  /** Those that were set aside wait in their places again. Gives back how many there were. */
  takeBackSetAside(): number {
    const { changes } = this.#database
      .prepare('UPDATE entries SET set_aside_at_ms = NULL, reason = NULL WHERE set_aside_at_ms IS NOT NULL')
      .run();
    this.#count();
    return Number(changes);
  }

  /** What was appended is kept before; everything stays in the file. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#commit();
    this.#database.close();
    this.#lock.release();
  }

  #commit(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const atMs = Date.now();
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { entry, bytes } of pending) {
        this.#statements.insert.run(entry.queue, entry.id, entry.text, bytes, atMs);
      }
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#failed(pending, error as Error);
      return;
    }
    this.#lastError = undefined;
    this.#counts.kept += pending.length;
    for (const { resolve } of pending) resolve({ type: 'kept' });
    for (const queue of new Set(pending.map(({ entry }) => entry.queue))) {
      for (const listener of this.#listeners) listener(queue);
    }
  }

  #failed(pending: readonly Pending[], error: Error): void {
    this.#lastError = error.message;
    this.#log?.error({ journal: this.name, error: error.message }, 'the journal could not be written');
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch (rollback) {
      this.#log?.error({ journal: this.name, error: (rollback as Error).message }, 'nor could that be taken back');
    }
    this.#counts.failed += pending.length;
    for (const { entry, bytes, resolve } of pending) {
      this.#account(entry.queue, -1, -bytes);
      resolve({ type: 'failed', error: error.message });
    }
  }

  #account(queue: string, depth: number, bytes: number): void {
    this.#bytes += bytes;
    const now = this.depth(queue) + depth;
    if (now > 0) this.#depths.set(queue, now);
    else this.#depths.delete(queue);
  }

  #count(): void {
    const rows = this.#database
      .prepare(
        `SELECT queue, count(*) FILTER (WHERE set_aside_at_ms IS NULL) AS depth, count(set_aside_at_ms) AS aside,
                sum(bytes) AS bytes FROM entries GROUP BY queue`,
      )
      .all() as unknown as { queue: string; depth: number; aside: number; bytes: number }[];
    this.#depths.clear();
    this.#bytes = 0;
    this.#setAsideCount = 0;
    for (const { queue, depth, aside, bytes } of rows) {
      this.#account(queue, depth, bytes);
      this.#setAsideCount += aside;
    }
  }
}
