import { existsSync } from 'node:fs';
import path from 'node:path';
import { NEW_HOLDER, restored } from '@eco/domain';
import { DurableFile, FileLock, growthPagesOf, makeFiles, Outbox, type Traits } from '@eco/journal';
import { BackOrders } from './back-orders.js';
import { Catalogue } from './catalogue.js';
import { CounterFile } from './counter-file.js';
import { HomeLink } from './home-link.js';
import { Recorder } from './recorder.js';
import { Sales } from './sales.js';
import { BranchDatabaseError, DATABASE, openBranchFile } from './schema.js';
import { Shifts } from './shifts.js';
import { Sql } from './sql.js';
import type { BranchDatabaseOptions, BranchStatus, CommandSender } from './types.js';
import { Units } from './units.js';

/** Time to wait for the lock, ms. A restarted process may start before its predecessor has ended. */
const LOCK_WAIT_MS = 3000;
/** Pages of one transaction: a sale of 200 lines takes up to 500, most sales about 20. */
const TRANSACTION_PAGES = 512;
/**
 * Written pages after which the WAL is copied into the database. A copy takes three syncs and delays the sales that wait;
 * with 8 tills it happens every 250 sales or so.
 */
const CHECKPOINT_PAGES = 2048;
/**
 * Time for which entries are kept after the brokers have confirmed them, ms. A head office that restores its database to an
 * earlier point gets them again. Commands of customers are not kept, because a registration holds a person's name.
 */
const KEEP_MS = 30 * 86_400_000;
/** Pages that the smallest request takes, to find out whether anything can be recorded. */
const SMALL_PAGES = 20;

interface BranchRow {
  readonly branch_id: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly standing: 'waiting' | 'ready';
  readonly is_restored: number;
  readonly writes: number;
  readonly home_epoch: string | null;
}

/**
 * Everything that a branch keeps: the catalogue and the units that it sells from, what it has recorded, and the commands
 * that report it. It is one SQLite file of one process, in which each request is one transaction (see `DurableFile`).
 *
 * A copy from a backup has lost what was recorded since. It would sell units twice and number sales twice, so it begins a
 * new incarnation and sells from quota only after it has taken over what the head office has recorded. The counter file
 * shows that a database is a copy, unless it was copied back as well; then `markRestored` says so.
 */
export class BranchDatabase {
  readonly outbox: Outbox;
  readonly shifts: Shifts;
  readonly sales: Sales;
  readonly units: Units;
  readonly catalogue: Catalogue;
  readonly backOrders: BackOrders;
  readonly home: HomeLink;
  readonly #options: BranchDatabaseOptions;
  readonly #file: DurableFile;
  readonly #counter: CounterFile;
  readonly #recorder: Recorder;
  readonly #sql: Sql;

  /** Throws a `BranchDatabaseError` if the database is in use or not available. */
  constructor(options: BranchDatabaseOptions) {
    const { dir, branchId, name, limitBytes, traitsOf, log } = options;
    this.#options = options;
    const files = makeBranchFiles(dir);
    this.#file = new DurableFile({
      file: files.database,
      lock: lockBranch(files, { waitMs: LOCK_WAIT_MS }),
      budget: {
        checkpointPages: CHECKPOINT_PAGES,
        transactionPages: TRANSACTION_PAGES,
        sparePages: 16,
        growthPages: growthPagesOf(limitBytes, TRANSACTION_PAGES),
      },
      open: openBranchFile,
      noun: "the branch's database",
      log,
    });
    this.#counter = new CounterFile(files.counter);
    this.#sql = new Sql(this.#file.database);
    try {
      this.#begin(branchId);
    } catch (error) {
      this.#file.close();
      this.#counter.close();
      throw error;
    }
    this.outbox = new Outbox({
      file: this.#file,
      name,
      limitBytes,
      keeping: { ms: KEEP_MS, prefixes: OWN_KINDS.map((noun) => `{"kind":"${noun}.`) },
      sentText: (text) => withEpoch(text, this.#recorder.homeEpoch),
      traitsOf: traitsOfOthers(traitsOf),
      log,
    });
    this.#recorder = new Recorder(options, this.#file, this.outbox, this.#counter);
    this.catalogue = new Catalogue(this.#recorder, options);
    this.shifts = new Shifts(this.#recorder);
    this.sales = new Sales(this.#recorder, this.catalogue, this.shifts, options);
    this.units = new Units(this.#recorder);
    this.backOrders = new BackOrders(this.#recorder, this.outbox);
    this.home = new HomeLink({ recorder: this.#recorder, catalogue: this.catalogue, backOrders: this.backOrders, log });
  }

  get branchId(): string {
    return this.#options.branchId;
  }

  get file(): string {
    return this.#file.file;
  }

  /** From now on commands get their stamps from the process's path to the brokers. */
  connect(sender: CommandSender): void {
    this.#recorder.connect(sender);
  }

  /** Why nothing can be recorded now; undefined: it can. */
  get obstacle(): string | undefined {
    return this.outbox.isFull ? 'too many commands wait for the brokers' : this.#file.obstacle(SMALL_PAGES);
  }

  get status(): BranchStatus {
    const { incarnation, sequence, standing, is_restored, home_epoch: homeEpoch } = this.#row() as BranchRow;
    const { depth, bytes, parkedNow } = this.outbox.status;
    const obstacle = () => this.obstacle;
    return {
      branchId: this.branchId,
      incarnation,
      sequence,
      frozen: standing === 'ready' ? undefined : is_restored === 1 ? 'restored' : 'new',
      homeEpoch,
      depth,
      bytes,
      oldestAtMs: this.outbox.oldestAtMs,
      parked: parkedNow,
      contactAt: this.home.contactAt,
      // Only for a caller that reads it: it tries the disk by a write, and the feed asks each second.
      get obstacle() {
        return obstacle();
      },
    };
  }

  /** Commits the requests that wait, then closes the file. */
  close(): void {
    if (!this.#file.isOpen) return;
    this.#file.close();
    this.#counter.close();
  }

  #row(): BranchRow | undefined {
    return this.#sql.get<BranchRow>('SELECT * FROM branch');
  }

  /** Finds out whether the database is older than it was, and raises its counter, here and next to it. */
  #begin(branchId: string): void {
    const counter = this.#counter.read();
    const database = this.#file.database;
    database.exec('BEGIN IMMEDIATE');
    try {
      const row = this.#row();
      if (row === undefined) {
        const { incarnation, sequence, standing } = NEW_HOLDER;
        this.#sql.run(
          'INSERT INTO branch VALUES (1, ?, ?, ?, ?, 0, 0, 0, NULL, NULL)',
          branchId,
          incarnation,
          sequence,
          standing,
        );
      } else if (row.branch_id !== branchId) {
        throw new BranchDatabaseError(
          `the branch's database ${this.#file.file} belongs to branch ${row.branch_id}, and this is ${branchId}: use ` +
            'the folder of this branch',
        );
      }
      const writes = row?.writes ?? 0;
      // The file is written after each commit, so it is never ahead. No file: the database was copied alone.
      const isOlder = counter === 'none' ? writes > 0 : counter === 'unreadable' || counter.writes > writes;
      if (isOlder) {
        const known = typeof counter === 'object' ? counter : { incarnation: 0, writes: 0 };
        beginIncarnation(this.#sql, known);
        this.#options.log?.error(
          { file: this.#file.file },
          "the branch's database is older than it was: it sells nothing until the head office was reached",
        );
      }
      this.#sql.run('UPDATE branch SET writes = writes + 1');
      database.exec('COMMIT');
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
    const { incarnation, writes } = this.#row() as BranchRow;
    this.#counter.write({ incarnation, writes });
    this.#counter.sync();
  }
}

/**
 * Says that a folder was copied back from a backup, counter file and all, which nothing in it shows. Throws a
 * `BranchDatabaseError` if there is none or a process uses it. Returns the branch with its new incarnation.
 */
export function markRestored(dir: string): { readonly branchId: string; readonly incarnation: number } {
  if (!existsSync(path.join(dir, DATABASE)))
    throw new BranchDatabaseError(`there is no database of a branch in ${dir}`);
  const files = makeBranchFiles(dir);
  const lock = lockBranch(files, { waitMs: 0 });
  try {
    const database = openBranchFile(files.database);
    const counter = new CounterFile(files.counter);
    try {
      const sql = new Sql(database);
      if (sql.get('SELECT 1 FROM branch') === undefined) {
        throw new BranchDatabaseError(`the database in ${dir} belongs to no branch yet: there is nothing to mark`);
      }
      const known = counter.read();
      database.exec('BEGIN IMMEDIATE');
      beginIncarnation(sql, typeof known === 'object' ? known : { incarnation: 0, writes: 0 });
      database.exec('COMMIT');
      const row = sql.get<BranchRow>('SELECT * FROM branch');
      if (row === undefined) throw new Error("the branch's database has no branch");
      const { branch_id: branchId, incarnation, writes } = row;
      counter.write({ incarnation, writes });
      counter.sync();
      return { branchId, incarnation };
    } finally {
      counter.close();
      database.close();
    }
  } finally {
    lock.release();
  }
}

/** `known`: what is known outside of the database. */
function beginIncarnation(sql: Sql, known: { readonly incarnation: number; readonly writes: number }): void {
  const row = sql.get<BranchRow>('SELECT * FROM branch');
  if (row === undefined) throw new Error("the branch's database has no branch");
  const { incarnation, sequence, standing } = restored({ ...row, isFrozen: false }, known.incarnation);
  sql.run(
    'UPDATE branch SET incarnation = ?, sequence = ?, standing = ?, is_restored = 1, writes = ?',
    incarnation,
    sequence,
    standing,
    Math.max(row.writes, known.writes) + 1,
  );
}

interface BranchFiles {
  readonly database: string;
  readonly lock: string;
  readonly counter: string;
}

function makeBranchFiles(dir: string): BranchFiles {
  const [database, lock, counter] = [DATABASE, 'branch.lock', 'branch.counter'].map((name) => path.join(dir, name)) as [
    string,
    string,
    string,
  ];
  try {
    makeFiles(dir, database, lock, counter);
  } catch (error) {
    throw new BranchDatabaseError(`the folder of the branch ${dir} can't be used: ${(error as Error).message}`);
  }
  return { database, lock, counter };
}

function lockBranch({ database, lock }: BranchFiles, wait: { readonly waitMs: number }): FileLock {
  const taken = FileLock.take(lock, wait);
  if (taken) return taken;
  throw new BranchDatabaseError(`the branch's database ${database} is in use by another process: stop that one`);
}

/** The command as it is sent to a home that was restored. It is kept without the epoch, because there may be another. */
function withEpoch(text: string, homeEpoch: string | null): string {
  return homeEpoch === null ? text : `${text.slice(0, -1)},"homeEpoch":${JSON.stringify(homeEpoch)}}`;
}

/** Commands of the branch's log take no client's share, and are recognised without parsing. */
function traitsOfOthers(traitsOf: ((text: string) => Traits) | undefined): (text: string) => Traits | undefined {
  return (text) => (OWN.test(text) ? undefined : traitsOf?.(text));
}
const OWN_KINDS = ['sale', 'shift', 'quota', 'branch'];
const OWN = new RegExp(`^\\{"kind":"(${OWN_KINDS.join('|')})\\.`);
