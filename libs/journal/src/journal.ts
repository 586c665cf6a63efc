import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Log } from '@eco/base';
import { MAX_MESSAGE_BYTES } from '@eco/contracts';
import { ENTRY_BYTES, oldestAtMs, openDatabase } from './database.js';
import { journalFile, JournalLock, makeJournalFile } from './journal-files.js';
import { hasRoom, isWithinShare, type ShareUse } from './lane.js';
import { freePlace, keepPlace, pagesOf, ReservedSpace, TRANSACTION_PAGES } from './reserved-space.js';

export interface JournalOptions {
  dir: string;
  /** Name of the owning process and of the file. */
  name: string;
  /** Limit of the commands in the journal, bytes. The file is somewhat larger and does not shrink. */
  limitBytes: number;
  /** Reads the traits of a command from its text. Absent: it has none, and no client has a share. */
  traitsOf?: (text: string) => Traits;
  log?: Log;
}

export interface Traits {
  /** Key that the command shares with commands that must not overtake it. */
  readonly sharedKey?: string | undefined;
  /** The client whose share of the journal the command uses. Absent: a client without a token. */
  readonly client?: string | undefined;
}

/** A command that is accepted once it is kept. */
export interface NewEntry {
  /** Queue of the entry. Entries of one queue are a lane. */
  readonly queue: string;
  readonly id: string;
  /** The command as JSON. */
  readonly text: string;
}

export interface Entry {
  readonly seq: number;
  readonly text: string;
  /** Bytes that the entry takes. */
  readonly bytes: number;
}

/**
 * - `kept`: it is on the disk and will be brought to the brokers.
 * - `full`: there is no room for it, within the limit or on the disk. It is nowhere.
 * - `over-share`: its client has its share of the journal. It is nowhere.
 * - `failed`: the disk or the file failed. It may be stored, and may be sent later.
 */
export type Appended = { type: 'kept' } | { type: 'full' | 'over-share' } | { type: 'failed'; error: string };

interface Pending {
  readonly entry: NewEntry;
  readonly bytes: number;
  readonly resolve: (appended: Appended) => void;
}

/** Shortest pause between two tries to use a failed journal, ms. A try is made when the journal is needed. */
const TRY_AGAIN_MS = 1_000;

/** Time to wait for the file's lock, ms. A restarted process may start before its predecessor has ended. */
const LOCK_WAIT_MS = 3000;

/**
 * Accepted commands that no broker has confirmed, in a SQLite file: appended, read from the head, removed when
 * confirmed. An append is on the disk when its promise resolves (WAL with `synchronous = FULL`: one fsync per commit).
 * Commands that arrive in one turn of the event loop share a commit. The fsync blocks the process while the disk works.
 *
 * The lanes are counted in memory, so asking whether a lane is empty costs nothing. If the disk fails, confirmed
 * commands can't be removed. One number per queue then keeps them from being sent again. Space is reserved before an
 * entry is accepted, so this does not happen on a full disk; see reserved-space.ts.
 */
export class Journal {
  readonly name: string;
  readonly file: string;
  readonly limitBytes: number;
  readonly #log: Log | undefined;
  readonly #lock: JournalLock;
  readonly #database: DatabaseSync;
  readonly #space: ReservedSpace;
  readonly #traitsOf: ((text: string) => Traits) | undefined;
  readonly #statements: Record<'insert' | 'head' | 'remove' | 'park', StatementSync>;
  /** Commands that wait, by queue. */
  readonly #depths = new Map<string, number>();
  /** Commands that wait, by shared key. */
  readonly #sharing = new Map<string, number>();
  /** Bytes in the journal, by client. */
  readonly #clientBytes = new Map<string | undefined, number>();
  /**
   * The last entry of each queue that the brokers have confirmed, while the file still contains some of the confirmed
   * entries.
   */
  readonly #confirmed = new Map<string, number>();
  readonly #listeners = new Set<(queue: string) => void>();
  #pending: Pending[] = [];
  #bytes = 0;
  #parkedCount = 0;
  #isOpen = true;
  #counts = { kept: 0, removed: 0, parked: 0, full: 0, overShare: 0, failed: 0 };
  #lastError: string | undefined;
  #isWalReserved = false;
  #lastUseMs = 0;

  /** Throws a `JournalError` if the file is in use or not available. */
  constructor({ dir, name, limitBytes, traitsOf, log }: JournalOptions) {
    this.name = name;
    this.file = journalFile(dir, name);
    this.limitBytes = limitBytes;
    this.#log = log;
    makeJournalFile(dir, name);
    this.#lock = new JournalLock(dir, name, { waitMs: LOCK_WAIT_MS });
    this.#traitsOf = traitsOf;
    try {
      freePlace(this.file);
      this.#database = openDatabase(this.file);
      this.#space = new ReservedSpace(this.#database, this.file, limitBytes);
      this.#statements = {
        insert: this.#database.prepare('INSERT INTO entries (queue, id, text, bytes, at_ms) VALUES (?, ?, ?, ?, ?)'),
        head: this.#database.prepare(
          `SELECT seq, text, bytes FROM entries
           WHERE queue = ? AND seq > ? AND set_aside_at_ms IS NULL ORDER BY seq LIMIT ?`,
        ),
        remove: this.#database.prepare('DELETE FROM entries WHERE queue = ? AND seq <= ? AND set_aside_at_ms IS NULL'),
        park: this.#database.prepare('UPDATE entries SET set_aside_at_ms = ?, reason = ? WHERE seq = ?'),
      };
      this.#count();
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    // Without space the journal accepts nothing. It still sends its commands.
    this.#use('has no space', () => this.#reserve());
  }

  /** Commands that wait for `queue`, including those being committed. */
  depth(queue: string): number {
    return this.#depths.get(queue) ?? 0;
  }

  /** Queues with waiting commands. */
  get queues(): string[] {
    return [...this.#depths.keys()];
  }

  /** True: no command waits for any queue. */
  get isEmpty(): boolean {
    return this.#depths.size === 0;
  }

  get isFull(): boolean {
    return !hasRoom(this.#bytes, MAX_MESSAGE_BYTES, this.limitBytes);
  }

  /**
   * The reason why the journal accepts nothing now. Undefined: it accepts commands. It tries the disk again if that has
   * failed or was last used long ago.
   */
  get obstacle(): string | undefined {
    if (this.isFull) return 'it is full';
    if (this.#isOpen && performance.now() - this.#lastUseMs > TRY_AGAIN_MS) {
      this.#use('could not be written', () => {
        this.#reserve(MAX_MESSAGE_BYTES);
        // Tests the disk by writing one page with its present content.
        const { user_version: version } = this.#database.prepare('PRAGMA user_version').get() as Record<string, number>;
        this.#database.exec(`PRAGMA user_version = ${version}`);
      });
    }
    return this.#lastError;
  }

  /** Error of the last access to the file; undefined: none. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Whether a command with this shared key waits. */
  holds(sharedKey: string): boolean {
    return this.#sharing.has(sharedKey);
  }

  get status() {
    return {
      ...this.#counts,
      depth: [...this.#depths.values()].reduce((sum, depth) => sum + depth, 0),
      bytes: this.#bytes,
      parkedNow: this.#parkedCount,
    };
  }

  /** Arrival of the oldest command in the file, ms since 1970; undefined: there is none, or the file can't be read. */
  get oldestAtMs(): number | undefined {
    let oldest: number | undefined;
    this.#use('could not be read', () => (oldest = oldestAtMs(this.#database)), { provesWritable: false });
    return oldest;
  }

  /** The last appended command that is still in the file; undefined: it is empty. */
  get lastText(): string | undefined {
    const row = this.#database.prepare('SELECT text FROM entries ORDER BY seq DESC LIMIT 1').get();
    return row?.['text'] as string | undefined;
  }

  /** Calls `listener` with the queue of each kept command. */
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
    const traits = this.#traitsOf?.(entry.text);
    if (traits !== undefined && !isWithinShare(this.#shareOf(traits), bytes)) {
      this.#counts.overShare += 1;
      return Promise.resolve({ type: 'over-share' });
    }
    this.#account(entry.queue, 1, bytes);
    this.#share(traits, { commands: 1, bytes });
    return new Promise((resolve) => {
      this.#pending.push({ entry, bytes, resolve });
      if (this.#pending.length === 1) setImmediate(() => this.#commit());
    });
  }

  /**
   * The first commands of a lane: at most the requested number, and at most what fits in one message. At least one if
   * there is one.
   */
  head(queue: string, most: number): Entry[] {
    const entries = this.#statements.head.all(queue, this.#confirmed.get(queue) ?? 0, most) as unknown as Entry[];
    let bytes = 0;
    const tooMuch = entries.findIndex((entry) => (bytes += entry.bytes) > MAX_MESSAGE_BYTES);
    return tooMuch < 0 ? entries : entries.slice(0, Math.max(1, tooMuch));
  }

  /**
   * Removes these commands, which are the confirmed head of their lane. They leave the lane now, and the file as soon
   * as it can be written.
   */
  remove(queue: string, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#counts.removed += entries.length;
    const bytes = entries.reduce((sum, { bytes: own }) => sum + own, 0);
    this.#account(queue, -entries.length, -bytes);
    for (const { text, bytes: own } of entries) this.#share(this.#traitsOf?.(text), { commands: -1, bytes: -own });
    this.#confirmed.set(queue, last.seq);
    this.removeConfirmed(queue);
  }

  /** Tries to remove the confirmed commands of the queue from the file. True: none is left. */
  removeConfirmed(queue: string): boolean {
    const upTo = this.#confirmed.get(queue);
    if (upTo === undefined) return true;
    if (!this.#use('could not remove what was confirmed', () => this.#statements.remove.run(queue, upTo))) return false;
    this.#confirmed.delete(queue);
    return true;
  }

  /** Moves the command out of its lane. It stays in the file until an operator decides. */
  park(queue: string, entry: Entry, reason: string): void {
    this.#statements.park.run(Date.now(), reason, entry.seq);
    this.#counts.parked += 1;
    this.#parkedCount += 1;
    this.#account(queue, -1, 0);
    this.#share(this.#traitsOf?.(entry.text), { commands: -1, bytes: 0 });
    this.#log?.error({ journal: this.name, queue, reason, command: entry.text }, 'parked a command in the journal');
  }

  /** Returns all parked commands to their places in the lanes. Returns their number. */
  unpark(): number {
    const { changes } = this.#database
      .prepare('UPDATE entries SET set_aside_at_ms = NULL, reason = NULL WHERE set_aside_at_ms IS NOT NULL')
      .run();
    this.#count();
    return Number(changes);
  }

  /** Commits the appended commands, then closes the file. Nothing is removed. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#commit();
    this.#database.close();
    this.#space.close();
    keepPlace(this.file);
    this.#lock.release();
  }

  #commit(): void {
    const pending = this.#pending;
    this.#pending = [];
    // A transaction is no larger than the space reserved for one.
    while (pending.length > 0) {
      let pages = 0;
      const tooMany = pending.findIndex(({ bytes }) => (pages += pagesOf(bytes)) > TRANSACTION_PAGES);
      this.#commitTogether(pending.splice(0, tooMany < 0 ? pending.length : Math.max(1, tooMany)));
    }
  }

  #commitTogether(pending: readonly Pending[]): void {
    const bytes = pending.map((each) => each.bytes);
    if (!this.#use('has no space', () => this.#reserve(...bytes))) {
      this.#counts.full += pending.length;
      return this.#forget(pending, { type: 'full' });
    }
    const atMs = Date.now();
    const insert = () => {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const { entry, bytes: own } of pending) {
        this.#statements.insert.run(entry.queue, entry.id, entry.text, own, atMs);
      }
      this.#database.exec('COMMIT');
    };
    if (!this.#use('could not be written', insert)) {
      this.#counts.failed += pending.length;
      return this.#forget(pending, { type: 'failed', error: this.#lastError ?? '' });
    }
    this.#counts.kept += pending.length;
    for (const { resolve } of pending) resolve({ type: 'kept' });
    for (const queue of new Set(pending.map(({ entry }) => entry.queue))) {
      for (const listener of this.#listeners) listener(queue);
    }
  }

  #forget(pending: readonly Pending[], appended: Appended): void {
    for (const { entry, bytes, resolve } of pending) {
      this.#account(entry.queue, -1, -bytes);
      this.#share(this.#traitsOf?.(entry.text), { commands: -1, bytes: -bytes });
      resolve(appended);
    }
  }

  /** Reserves space for entries of these sizes. Throws if there is none. */
  #reserve(...bytes: readonly number[]): void {
    if (!this.#isWalReserved) {
      this.#space.reserveWal();
      this.#isWalReserved = true;
    }
    this.#space.ensureFree(bytes.reduce((sum, own) => sum + pagesOf(own), 0));
  }

  /** Uses the file; false if it failed. Successive failures with the same reason are logged once. */
  #use(what: string, action: () => unknown, { provesWritable = true } = {}): boolean {
    try {
      action();
      if (!provesWritable) return true;
      this.#lastUseMs = performance.now();
      if (this.#lastError !== undefined) this.#log?.info({ journal: this.name }, 'the journal can be written again');
      this.#lastError = undefined;
      return true;
    } catch (error) {
      const { message } = error as Error;
      this.#lastUseMs = performance.now();
      if (message !== this.#lastError) this.#log?.error({ journal: this.name, error: message }, `the journal ${what}`);
      this.#lastError = message;
      this.#rollBack();
      return false;
    }
  }

  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch (error) {
      this.#log?.error(
        { journal: this.name, error: (error as Error).message },
        'the journal could not roll back its transaction',
      );
    }
  }

  #shareOf({ client }: Traits): ShareUse {
    const ownBytes = this.#clientBytes.get(client) ?? 0;
    return { client, ownBytes, usedBytes: this.#bytes, limitBytes: this.limitBytes };
  }

  /** A parked command waits no more, but keeps its bytes. */
  #share(traits: Traits | undefined, change: { readonly commands: number; readonly bytes: number }): void {
    if (traits === undefined) return;
    if (traits.sharedKey !== undefined) add(this.#sharing, traits.sharedKey, change.commands);
    add(this.#clientBytes, traits.client, change.bytes);
  }

  #account(queue: string, depth: number, bytes: number): void {
    this.#bytes += bytes;
    add(this.#depths, queue, depth);
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
    this.#parkedCount = 0;
    for (const { queue, depth, aside, bytes } of rows) {
      this.#account(queue, depth, bytes);
      this.#parkedCount += aside;
    }
    this.#sharing.clear();
    this.#clientBytes.clear();
    const waits = 'SELECT text, bytes, set_aside_at_ms IS NULL AS waits FROM entries';
    for (const row of this.#database.prepare(waits).iterate()) {
      const { text, bytes, waits: commands } = row as { text: string; bytes: number; waits: number };
      this.#share(this.#traitsOf?.(text), { commands, bytes });
    }
  }
}

function add<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}
