import type { StatementSync } from 'node:sqlite';
import type { Log } from '@eco/base';
import { MAX_MESSAGE_BYTES } from '@eco/contracts';
import { ENTRY_BYTES } from './database.js';
import { ConfirmedEntries, type Keeping } from './confirmed-entries.js';
import type { DurableFile, Transaction, Work } from './durable-file.js';
import { hasRoom, isWithinShare, type ShareUse } from './lane.js';
import { pagesOf } from './reserved-space.js';

export interface OutboxOptions {
  /** The file that contains the outbox, with `OUTBOX_TABLES`. */
  readonly file: DurableFile;
  /** Name of the owning process, for the log. */
  readonly name: string;
  /** Limit of the commands in the outbox, bytes. The file is larger and does not shrink. */
  readonly limitBytes: number;
  /** Entries that stay in the file after their confirm. Absent: all are removed at once. */
  readonly keeping?: Keeping | undefined;
  /** The text with which a command is sent. Absent: that with which it was appended. */
  readonly sentText?: ((text: string) => string) | undefined;
  /** Reads the traits of a command from its text. Absent or undefined: it has none, and no client has a share. */
  readonly traitsOf?: ((text: string) => Traits | undefined) | undefined;
  readonly log?: Log | undefined;
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
  /** How often everything had been sent again when it was read. */
  readonly round: number;
}

/**
 * - `kept`: it is on the disk and will be brought to the brokers.
 * - `full`: there is no room for it, within the limit or on the disk. It is nowhere.
 * - `over-share`: its client has its share of the journal. It is nowhere.
 * - `failed`: the disk or the file failed. It may be stored, and may be sent later.
 */
export type Appended = { type: 'kept' } | { type: 'full' | 'over-share' } | { type: 'failed'; error: string };

/**
 * Accepted commands that no broker has confirmed, in a SQLite file: appended, read from the head, removed when
 * confirmed. An append is part of a transaction of the file: of the caller's, with whatever the command reports, or of
 * its own.
 *
 * The lanes are counted in memory, so asking whether a lane is empty costs nothing. If the disk fails, confirmed
 * commands can't be removed. One number per queue then keeps them from being sent again. Space is reserved before a
 * transaction begins, so this does not happen on a full disk; see reserved-space.ts.
 */
export class Outbox {
  readonly name: string;
  readonly limitBytes: number;
  readonly #file: DurableFile;
  readonly #log: Log | undefined;
  readonly #traitsOf: ((text: string) => Traits | undefined) | undefined;
  readonly #sentText: (text: string) => string;
  readonly #statements: Record<'insert' | 'head' | 'park', StatementSync>;
  /** Commands that wait, by queue. */
  readonly #depths = new Map<string, number>();
  /** Commands that wait, by shared key. */
  readonly #sharing = new Map<string, number>();
  /** Bytes in the outbox, by client. */
  readonly #clientBytes = new Map<string | undefined, number>();
  readonly #confirmed: ConfirmedEntries;
  readonly #listeners = new Set<(queue: string) => void>();
  #round = 0;
  #bytes = 0;
  #parkedCount = 0;
  #counts = { kept: 0, removed: 0, parked: 0, full: 0, overShare: 0, failed: 0 };

  /** Closes the file if its outbox can't be read. */
  constructor({ file, name, limitBytes, keeping, sentText, traitsOf, log }: OutboxOptions) {
    this.name = name;
    this.limitBytes = limitBytes;
    this.#file = file;
    this.#log = log;
    this.#traitsOf = traitsOf;
    this.#confirmed = new ConfirmedEntries(file.database, keeping);
    this.#sentText = sentText ?? ((text) => text);
    try {
      const { database } = file;
      this.#statements = {
        insert: database.prepare('INSERT INTO entries (queue, id, text, bytes, at_ms) VALUES (?, ?, ?, ?, ?)'),
        head: database.prepare(
          `SELECT seq, text, bytes, at_ms AS "atMs" FROM entries
           WHERE queue = ? AND seq > ? AND set_aside_at_ms IS NULL ORDER BY seq LIMIT ?`,
        ),
        park: database.prepare('UPDATE entries SET set_aside_at_ms = ?, reason = ? WHERE seq = ?'),
      };
      this.#count();
    } catch (error) {
      file.close();
      throw error;
    }
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
    return this.isFull ? 'it is full' : this.#file.obstacle(pagesOf(MAX_MESSAGE_BYTES));
  }

  /** Error of the last access to the file; undefined: none. */
  get lastError(): string | undefined {
    return this.#file.lastError;
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
    const look = () => {
      const heads = this.queues.flatMap((queue) => this.#headOf(queue, 1));
      oldest = heads.length === 0 ? undefined : Math.min(...heads.map(({ atMs }) => atMs));
    };
    this.#file.use('could not be read', look, { provesWritable: false });
    return oldest;
  }

  /** The last appended command that is still in the file; undefined: it is empty. */
  get lastText(): string | undefined {
    const row = this.#file.database.prepare('SELECT text FROM entries ORDER BY seq DESC LIMIT 1').get();
    return row?.['text'] as string | undefined;
  }

  /** Calls `listener` with the queue of each kept command. */
  onKept(listener: (queue: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Appends the command in a transaction of its own. `also`: what else is written in that transaction. */
  async append(entry: NewEntry, also?: Work<void>): Promise<Appended> {
    const bytes = bytesOf(entry);
    if (!this.#file.isOpen) return { type: 'failed', error: 'the journal is closed' };
    if (!hasRoom(this.#bytes, bytes, this.limitBytes)) {
      this.#counts.full += 1;
      return { type: 'full' };
    }
    const traits = this.#traitsOf?.(entry.text);
    if (traits !== undefined && !isWithinShare(this.#shareOf(traits), bytes)) {
      this.#counts.overShare += 1;
      return { type: 'over-share' };
    }
    // Counted from now on, so that no later command overtakes it.
    this.#keep(entry, bytes, traits);
    const written = await this.#file.write({
      pages: pagesOf(bytes) + (also?.pages ?? 0),
      run: (transaction) => {
        this.#insert(entry, bytes, transaction);
        also?.run(transaction);
      },
    });
    if (written.type === 'committed') return { type: 'kept' };
    this.#counts[written.type] += 1;
    this.#forget(entry, bytes, traits);
    return written.type === 'full' ? { type: 'full' } : written;
  }

  /**
   * Appends the command in the caller's transaction, so that it is sent if and only if that is committed. The caller
   * has checked `hasRoomFor`. It takes no share of a client: what a branch has recorded must be reported.
   */
  appendIn(transaction: Transaction, entry: NewEntry): void {
    const bytes = bytesOf(entry);
    this.#keep(entry, bytes, undefined);
    transaction.onRollback(() => this.#forget(entry, bytes, undefined));
    this.#insert(entry, bytes, transaction);
  }

  /** Whether commands of together so many bytes fit. */
  hasRoomFor(bytes: number): boolean {
    return hasRoom(this.#bytes, bytes, this.limitBytes);
  }

  /**
   * The first commands of a lane: at most the requested number, and at most what fits in one message. At least one if
   * there is one.
   */
  head(queue: string, most: number): Entry[] {
    const entries = this.#headOf(queue, most);
    let bytes = 0;
    const tooMuch = entries.findIndex((entry) => (bytes += entry.bytes) > MAX_MESSAGE_BYTES);
    const fitting = tooMuch < 0 ? entries : entries.slice(0, Math.max(1, tooMuch));
    return fitting.map((entry) => ({ ...entry, text: this.#sentText(entry.text) }));
  }

  /**
   * Removes these commands, which are the confirmed head of their lane. They leave the lane now, and the file as soon
   * as it can be written.
   */
  remove(queue: string, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    // What was on its way when everything was to be sent again is sent again with it.
    if (last === undefined || last.round !== this.#round) return;
    this.#counts.removed += entries.length;
    const bytes = entries.reduce((sum, { bytes: own }) => sum + own, 0);
    this.#account(queue, -entries.length, -bytes);
    for (const { text, bytes: own } of entries) this.#share(this.#traitsOf?.(text), { commands: -1, bytes: -own });
    this.#confirmed.note(queue, last.seq);
    this.removeConfirmed(queue);
  }

  /** Tries to remove the confirmed commands of the queue from the file. True: none is left. */
  removeConfirmed(queue: string): boolean {
    if (this.#confirmed.isSaved(queue)) return true;
    return this.#file.use('could not remove what was confirmed', () => this.#confirmed.save(queue));
  }

  /**
   * In the caller's transaction: every entry that is still in the file is sent again, in the first order, from the commit
   * on.
   */
  sendAgainIn(transaction: Transaction): void {
    this.#confirmed.forget();
    transaction.onCommit(() => {
      this.#round += 1;
      this.#count();
      for (const queue of this.queues) for (const listener of this.#listeners) listener(queue);
    });
  }

  #headOf(queue: string, most: number): (Entry & { readonly atMs: number })[] {
    const rows = this.#statements.head.all(queue, this.#confirmed.upTo(queue), most);
    return (rows as unknown as Omit<Entry & { readonly atMs: number }, 'round'>[]).map((row) => ({
      ...row,
      round: this.#round,
    }));
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
    const { changes } = this.#file.database
      .prepare('UPDATE entries SET set_aside_at_ms = NULL, reason = NULL WHERE set_aside_at_ms IS NOT NULL')
      .run();
    this.#count();
    return Number(changes);
  }

  #insert({ queue, id, text }: NewEntry, bytes: number, transaction: Transaction): void {
    this.#statements.insert.run(queue, id, text, bytes, Date.now());
    transaction.onCommit(() => {
      this.#counts.kept += 1;
      for (const listener of this.#listeners) listener(queue);
    });
  }

  #keep({ queue }: NewEntry, bytes: number, traits: Traits | undefined): void {
    this.#account(queue, 1, bytes);
    this.#share(traits, { commands: 1, bytes });
  }

  #forget({ queue }: NewEntry, bytes: number, traits: Traits | undefined): void {
    this.#account(queue, -1, -bytes);
    this.#share(traits, { commands: -1, bytes: -bytes });
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
    const { unconfirmed } = this.#confirmed;
    this.#confirmed.read();
    const rows = this.#file.database
      .prepare(
        `SELECT queue, count(*) FILTER (WHERE set_aside_at_ms IS NULL) AS depth, count(set_aside_at_ms) AS aside,
                sum(bytes) AS bytes FROM ${unconfirmed} GROUP BY queue`,
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
    const waits = `SELECT text, bytes, set_aside_at_ms IS NULL AS waits FROM ${unconfirmed}`;
    for (const row of this.#file.database.prepare(waits).iterate()) {
      const { text, bytes, waits: commands } = row as { text: string; bytes: number; waits: number };
      this.#share(this.#traitsOf?.(text), { commands, bytes });
    }
  }
}

function bytesOf({ text }: NewEntry): number {
  return Buffer.byteLength(text) + ENTRY_BYTES;
}

function add<Key>(counts: Map<Key, number>, key: Key, change: number): void {
  const now = (counts.get(key) ?? 0) + change;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}
