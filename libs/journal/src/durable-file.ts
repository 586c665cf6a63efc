import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Log } from '@eco/base';
import type { FileLock } from './file-lock.js';
import { freePlace, keepPlace, ReservedSpace, type SpaceBudget } from './reserved-space.js';

/** Something that is written in one transaction, possibly together with others. */
export interface Work<T> {
  /** Most pages that it writes. */
  readonly pages: number;
  /** Runs between a BEGIN and a COMMIT. If it throws, what it wrote is undone, and nothing of the others. */
  run(transaction: Transaction): T;
}

/** The transaction in which a `Work` runs. Its callbacks keep memory in step with the file. */
export interface Transaction {
  /** Runs once the work is on the disk. */
  onCommit(action: () => void): void;
  /** Runs if the work is undone, or if it is unknown whether it is on the disk. */
  onRollback(action: () => void): void;
}

/**
 * - `committed`: it is on the disk.
 * - `full`: there is no room on the disk. Nothing was written.
 * - `failed`: the disk or the file failed. It may be on the disk.
 */
export type Written<T> =
  { readonly type: 'committed'; readonly value: T } | { readonly type: 'full' | 'failed'; readonly error: string };

export interface DurableFileOptions {
  readonly file: string;
  /** Held until the file is closed. */
  readonly lock: FileLock;
  readonly budget: SpaceBudget;
  /** Opens the database, in WAL mode with `synchronous = FULL`. */
  readonly open: (file: string) => DatabaseSync;
  /** What the file is, for the log: `the journal central`. */
  readonly noun: string;
  readonly log?: Log | undefined;
}

interface Pending {
  readonly work: Work<unknown>;
  readonly settle: (written: Written<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/** Shortest pause between two tries to use a failed file, ms. A try is made when the file is needed. */
const TRY_AGAIN_MS = 1_000;

const SQLITE_CONSTRAINT = 19;
/** A trigger refused the statement. No trigger is ours. */
const SQLITE_CONSTRAINT_TRIGGER = 1811;

/**
 * A SQLite file of one process. What is written to it is on the disk when its promise resolves (WAL with `synchronous =
 * FULL`: one fsync per commit). Works that arrive in one turn of the event loop share a commit, each in its own
 * savepoint. The fsync blocks the process while the disk works.
 *
 * Space is reserved before a transaction begins, so a full disk refuses a work before anything is written; see
 * reserved-space.ts.
 */
export class DurableFile {
  readonly file: string;
  readonly database: DatabaseSync;
  readonly #noun: string;
  readonly #log: Log | undefined;
  readonly #lock: FileLock;
  readonly #space: ReservedSpace;
  readonly #transactionPages: number;
  readonly #statements: Record<'begin' | 'commit' | 'savepoint' | 'release' | 'undo', StatementSync>;
  #pending: Pending[] = [];
  #isOpen = true;
  #lastError: string | undefined;
  #isWalReserved = false;
  #lastUseMs = 0;

  constructor({ file, lock, budget, open, noun, log }: DurableFileOptions) {
    this.file = file;
    this.#noun = noun;
    this.#log = log;
    this.#lock = lock;
    this.#transactionPages = budget.transactionPages;
    let database: DatabaseSync | undefined;
    try {
      freePlace(file);
      database = open(file);
      this.database = database;
      this.#space = new ReservedSpace(this.database, file, budget);
      this.#statements = {
        begin: this.database.prepare('BEGIN IMMEDIATE'),
        commit: this.database.prepare('COMMIT'),
        savepoint: this.database.prepare('SAVEPOINT work'),
        release: this.database.prepare('RELEASE work'),
        undo: this.database.prepare('ROLLBACK TO work'),
      };
    } catch (error) {
      database?.close();
      lock.release();
      throw error;
    }
    // Without space nothing is accepted. What is in the file can still be read and removed.
    this.use('has no space', () => this.#reserve(0));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Error of the last access to the file; undefined: none. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /**
   * The reason why nothing can be written now. Undefined: a work of this size can be. It tries the disk again if that
   * has failed or was last used long ago.
   */
  obstacle(pages: number): string | undefined {
    if (this.#isOpen && performance.now() - this.#lastUseMs > TRY_AGAIN_MS) {
      this.use('could not be written', () => {
        this.#reserve(pages);
        // Tests the disk by writing one page with its present content.
        const { user_version: version } = this.database.prepare('PRAGMA user_version').get() as Record<string, number>;
        this.database.exec(`PRAGMA user_version = ${version}`);
      });
    }
    return this.#lastError;
  }

  /** Rejects only if the work throws. */
  write<T>(work: Work<T>): Promise<Written<T>> {
    if (!this.#isOpen) return Promise.resolve({ type: 'failed', error: `${this.#noun} is closed` });
    return new Promise((resolve, reject) => {
      this.#pending.push({ work, settle: resolve as (written: Written<unknown>) => void, reject });
      if (this.#pending.length === 1) setImmediate(() => this.#commit());
    });
  }

  /** Uses the file outside of a `Work`; false if it failed. Successive failures with the same reason are logged once. */
  use(what: string, action: () => unknown, { provesWritable = true } = {}): boolean {
    try {
      action();
      if (!provesWritable) return true;
      this.#lastUseMs = performance.now();
      if (this.#lastError !== undefined) this.#log?.info({ file: this.file }, `${this.#noun} can be written again`);
      this.#lastError = undefined;
      return true;
    } catch (error) {
      const { message } = error as Error;
      this.#lastUseMs = performance.now();
      if (message !== this.#lastError) this.#log?.error({ error: message }, `${this.#noun} ${what}`);
      this.#lastError = message;
      this.#rollBack();
      return false;
    }
  }

  /** Commits the works that wait, then closes the file. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#commit();
    this.database.close();
    this.#space.close();
    keepPlace(this.file, this.#space.filesBytes);
    this.#lock.release();
  }

  #commit(): void {
    const pending = this.#pending;
    this.#pending = [];
    // A transaction is no larger than the space reserved for one.
    while (pending.length > 0) {
      let pages = 0;
      const tooMany = pending.findIndex(({ work }) => (pages += work.pages) > this.#transactionPages);
      this.#commitTogether(pending.splice(0, tooMany < 0 ? pending.length : Math.max(1, tooMany)));
    }
  }

  #commitTogether(pending: readonly Pending[]): void {
    const pages = pending.reduce((sum, { work }) => sum + work.pages, 0);
    if (!this.use('has no space', () => this.#reserve(pages))) {
      for (const { settle } of pending) settle({ type: 'full', error: this.#lastError ?? '' });
      return;
    }
    const running = pending.map((each) => new Running(each));
    const run = () => {
      this.#statements.begin.run();
      for (const each of running) this.#runAlone(each);
      this.#statements.commit.run();
    };
    if (this.use('could not be written', run)) for (const each of running) each.committed();
    else for (const each of running) each.failed(this.#lastError ?? '');
  }

  #runAlone(work: Running): void {
    this.#statements.savepoint.run();
    try {
      work.run();
    } catch (error) {
      if (isFileFailure(error) || !this.database.isTransaction) throw error;
      this.#statements.undo.run();
      work.threw(error);
    }
    this.#statements.release.run();
  }

  /** Reserves space for so many pages. Throws if there is none. */
  #reserve(pages: number): void {
    if (!this.#isWalReserved) {
      this.#space.reserveWal();
      this.#isWalReserved = true;
    }
    this.#space.ensureFree(pages);
  }

  #rollBack(): void {
    try {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
    } catch (error) {
      this.#log?.error({ error: (error as Error).message }, `${this.#noun} could not roll back its transaction`);
    }
  }
}

/** A work while its transaction runs. */
class Running implements Transaction {
  readonly #pending: Pending;
  readonly #onCommit: (() => void)[] = [];
  readonly #onRollback: (() => void)[] = [];
  #value: unknown;
  #error: { readonly thrown: unknown } | undefined;

  constructor(pending: Pending) {
    this.#pending = pending;
  }

  onCommit(action: () => void): void {
    this.#onCommit.push(action);
  }

  onRollback(action: () => void): void {
    this.#onRollback.push(action);
  }

  run(): void {
    this.#value = this.#pending.work.run(this);
  }

  threw(thrown: unknown): void {
    this.#error = { thrown };
    for (const action of this.#onRollback) action();
  }

  committed(): void {
    if (this.#error) return this.#pending.reject(this.#error.thrown);
    this.#pending.settle({ type: 'committed', value: this.#value });
    for (const action of this.#onCommit) action();
  }

  failed(error: string): void {
    if (this.#error) return this.#pending.reject(this.#error.thrown);
    for (const action of this.#onRollback) action();
    this.#pending.settle({ type: 'failed', error });
  }
}

/** Whether the file failed, and not one work: a broken constraint, or an exception, concerns that work alone. */
function isFileFailure(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  if (errcode === undefined) return false;
  return (errcode & 0xff) !== SQLITE_CONSTRAINT || errcode === SQLITE_CONSTRAINT_TRIGGER;
}
