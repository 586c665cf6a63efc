import { hash, randomBytes } from 'node:crypto';
import {
  branchUser,
  canonicalJson,
  commandKinds,
  keyOf,
  nextStamp,
  stampOwnerOf,
  type Actor,
  type CommandBody,
  type CommandKind,
  type EntryKind,
  type Stamp,
} from '@eco/contracts';
import { nextEntry, type HolderState } from '@eco/domain';
import { pagesOf, type DurableFile, type Outbox, type Transaction } from '@eco/journal';
import { BUCKETS_MAX, bucketOf, ID_RANDOM_BYTES, newCommandId } from '@eco/routing';
import type { CounterFile } from './counter-file.js';
import { Sql } from './sql.js';
import type { Asked, BranchDatabaseOptions, CommandSender, Recorded } from './types.js';

export type EntryBody<K extends EntryKind> = Omit<CommandBody<K>, 'branchId' | 'incarnation' | 'sequence'>;

/** What a command states about its cause. */
type Cause = Pick<Asked, 'correlationId' | 'traceparent' | 'actor'>;

export type Decision<T, Refusal> = { readonly value: T } | { readonly refusal: Refusal };

/** Pages that every transaction may write: the branch, its request, indexes and the inner pages of trees. */
const BASE_PAGES = 12;
/** Bytes of a command without its lines. */
const ENVELOPE_BYTES = 1500;

/** Most pages of a transaction that records a request with so many lines, of so many bytes each. */
export function pagesOfRequest(lines: number, lineBytes: number): number {
  // The lines are stored twice: in a table and in the outbox. Each may concern a page of quotas and one of figures.
  return BASE_PAGES + 2 * lines + 2 * pagesOf(ENVELOPE_BYTES + lines * lineBytes);
}

/** Undoes a transaction whose result is already certain. */
class Undone extends Error {
  constructor(readonly result: Exclude<Recorded<never, unknown>, { type: 'done' }>) {
    super('undone');
  }
}

/** Records requests in the database of a branch, each in one transaction with the command that reports it. */
export class Recorder {
  readonly sql: Sql;
  readonly branchId: string;
  readonly #options: BranchDatabaseOptions;
  readonly #file: DurableFile;
  readonly #outbox: Outbox;
  readonly #counter: CounterFile;
  readonly #stampSender: string;
  #lastStamp: Stamp | undefined;
  #sender: CommandSender | undefined;

  constructor(options: BranchDatabaseOptions, file: DurableFile, outbox: Outbox, counter: CounterFile) {
    this.#options = options;
    this.branchId = options.branchId;
    this.#file = file;
    this.#outbox = outbox;
    this.#counter = counter;
    this.sql = new Sql(file.database);
    this.#stampSender = `${stampOwnerOf(branchUser(options.branchId))}.${randomBytes(4).toString('hex')}`;
  }

  connect(sender: CommandSender): void {
    this.#sender = sender;
  }

  get nowMs(): number {
    return (this.#options.now ?? Date.now)();
  }

  get nowText(): string {
    return new Date(this.nowMs).toISOString();
  }

  get holder(): HolderState {
    return holderIn(this.sql);
  }

  get homeEpoch(): string | null {
    return this.sql.get<{ home_epoch: string | null }>('SELECT home_epoch FROM branch')?.home_epoch ?? null;
  }

  /** Everything that is kept is sent again. */
  sendAgain(transaction: Transaction): void {
    this.#outbox.sendAgainIn(transaction);
  }

  /** A new command's id, in the bucket of this key. */
  newId(key: string): string {
    return newCommandId({ key, nowMs: this.nowMs, random: randomBytes(ID_RANDOM_BYTES) });
  }

  nextStamp(key: string): Stamp {
    if (this.#sender) return this.#sender.nextStamp(key);
    this.#lastStamp = nextStamp(this.#lastStamp, this.nowMs, this.#stampSender);
    return this.#lastStamp;
  }

  /**
   * Records a request once. A repeat with the same content gets the value of the first; with other content it is a key
   * conflict. `pages`: most pages that it writes.
   */
  record<T extends object, Refusal = never>(
    asked: Asked,
    content: object,
    pages: number,
    decide: (step: Step) => Decision<T, Refusal>,
  ): Promise<Recorded<T, Refusal>> {
    const requestHash = hashOf(content);
    const find = (): Recorded<T> | undefined => {
      const first = firstOf(asked, (id) =>
        this.sql.get<{ hash: string; result: string }>('SELECT hash, result FROM requests WHERE id = ?', id),
      );
      if (first === undefined) return undefined;
      if (first.hash !== requestHash) return { type: 'key-conflict' };
      return { type: 'done', value: JSON.parse(first.result) as T, repeated: true };
    };
    return this.recordOnce(find, pages, (step) => {
      const decision = decide(step);
      if ('value' in decision) {
        const result = JSON.stringify(decision.value);
        this.sql.run('INSERT INTO requests VALUES (?, ?, ?, ?)', asked.id, requestHash, result, step.nowText);
      }
      return decision;
    });
  }

  /** Like `record`, for a request that its own table shows to be a repeat. */
  async recordOnce<T, Refusal>(
    find: () => Recorded<T> | undefined,
    pages: number,
    decide: (step: Step) => Decision<T, Refusal>,
  ): Promise<Recorded<T, Refusal>> {
    // A repeat gets its response even if the disk is full.
    const repeated = find();
    if (repeated !== undefined) return repeated;
    return this.write(pages, (step): Recorded<T, Refusal> => {
      const earlier = find();
      if (earlier !== undefined) return earlier;
      const decision = decide(step);
      if ('refusal' in decision) throw new Undone({ type: 'refused', refusal: decision.refusal });
      return { type: 'done', value: decision.value, repeated: false };
    });
  }

  /** One transaction. */
  async write<T, Refusal>(pages: number, run: (step: Step) => Recorded<T, Refusal>): Promise<Recorded<T, Refusal>> {
    try {
      const written = await this.#file.write({
        pages,
        run: (transaction) => {
          this.at('begun');
          const step = new Step(this, transaction);
          const result = run(step);
          step.finish();
          return result;
        },
      });
      return written.type === 'committed' ? written.value : { type: written.type, obstacle: written.error };
    } catch (error) {
      if (error instanceof Undone) return error.result as Recorded<T, Refusal>;
      throw error;
    }
  }

  /** Appends a command to the outbox. Undoes the transaction if the outbox has no room. */
  append<K extends CommandKind>(
    transaction: Transaction,
    kind: K,
    { id, body, cause }: { readonly id: string; readonly body: CommandBody<K>; readonly cause: Cause },
  ): void {
    const { actor, correlationId, traceparent } = cause;
    const key = keyOf({ kind, body });
    // The kind is first, so that it shows without parsing what a text of the outbox is.
    const command = {
      kind,
      id,
      stamp: this.nextStamp(key),
      ...(actor && { actor: actorOf(actor) }),
      sentBy: this.#options.name,
      correlationId,
      ...(traceparent !== undefined && { traceparent }),
      body,
    };
    const text = JSON.stringify(command);
    if (!this.#outbox.hasRoomFor(Buffer.byteLength(text) + 200)) {
      throw new Undone({ type: 'full', obstacle: 'too many commands wait for the brokers' });
    }
    this.#outbox.appendIn(transaction, { queue: laneOf(kind, key), id, text });
  }

  /** Raises the counter, in the database now and next to it after the commit. */
  count(transaction: Transaction, { sync }: { sync: boolean }): void {
    const counter = this.sql.get<{ incarnation: number; writes: number }>(
      'UPDATE branch SET writes = writes + 1 RETURNING incarnation, writes',
    );
    if (counter === undefined) throw new Error("the branch's database has no branch");
    transaction.onCommit(() => {
      this.at('committed');
      this.#counter.write(counter);
      if (sync) this.#counter.sync();
      this.at('counted');
    });
    this.at('finished');
  }

  /** A named place in a transaction, at which a test may end the process. */
  at(step: string): void {
    this.#options.onStep?.(step);
  }
}

/** One transaction while it runs. */
export class Step {
  readonly nowText: string;
  readonly #recorder: Recorder;
  readonly #transaction: Transaction;
  #holder: HolderState | undefined;
  #isChanged = false;
  #needsSync = false;

  constructor(recorder: Recorder, transaction: Transaction) {
    this.#recorder = recorder;
    this.#transaction = transaction;
    this.nowText = recorder.nowText;
  }

  get holder(): HolderState {
    return (this.#holder ??= this.#recorder.holder);
  }

  set holder(holder: HolderState) {
    this.#holder = holder;
    this.#isChanged = true;
  }

  /** Appends the next entry of the branch's log, and what it reports is part of this transaction. */
  entry<K extends EntryKind>(kind: K, id: string, body: EntryBody<K>, cause: Cause): void {
    const { holder, place } = nextEntry(this.holder);
    this.holder = holder;
    const whole = { branchId: this.#recorder.branchId, ...place, ...body } as CommandBody<K>;
    this.#recorder.append(this.#transaction, kind, { id, body: whole, cause });
    this.#recorder.at('appended');
  }

  /** Appends a command that is no entry. */
  command<K extends CommandKind>(kind: K, id: string, body: CommandBody<K>, cause: Cause): void {
    this.#recorder.append(this.#transaction, kind, { id, body, cause });
    this.#isChanged = true;
  }

  sendAgain(): void {
    this.#recorder.sendAgain(this.#transaction);
  }

  /** The counter file is synced with this transaction: a copy that lacks it must be detected. */
  syncCounter(): void {
    this.#isChanged = true;
    this.#needsSync = true;
  }

  onCommit(action: () => void): void {
    this.#transaction.onCommit(action);
  }

  finish(): void {
    if (!this.#isChanged) return;
    const { incarnation, sequence, standing, isFrozen } = this.holder;
    this.#recorder.sql.run(
      'UPDATE branch SET incarnation = ?, sequence = ?, standing = ?, is_frozen = ?',
      incarnation,
      sequence,
      standing,
      Number(isFrozen),
    );
    this.#recorder.count(this.#transaction, { sync: this.#needsSync });
  }
}

function holderIn(sql: Sql): HolderState {
  const row = sql.get<{ incarnation: number; sequence: number; standing: HolderState['standing']; is_frozen: number }>(
    'SELECT incarnation, sequence, standing, is_frozen FROM branch',
  );
  if (row === undefined) throw new Error("the branch's database has no branch");
  const { incarnation, sequence, standing, is_frozen } = row;
  return { incarnation, sequence, standing, isFrozen: is_frozen === 1 };
}

/**
 * The lane of a command whose group may be unknown: one for each possible bucket, as in the intake. Commands of the other
 * queue have lanes of their own, because all commands of a lane go to one queue. A lane never changes, so entries keep
 * their order when a group becomes known or a bucket moves.
 */
function laneOf(kind: CommandKind, key: string): string {
  const bucket = bucketOf(key, BUCKETS_MAX);
  const { route } = commandKinds[kind];
  return route === 'orders' ? `unassigned.${bucket}` : `unassigned.${route}.${bucket}`;
}

/** What was recorded under one of the ids of a request. */
export function firstOf<T>({ id, formerIds = [] }: Asked, find: (id: string) => T | undefined): T | undefined {
  for (const each of [id, ...formerIds]) {
    const found = find(each);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function hashOf(content: object): string {
  return hash('sha256', canonicalJson(content), 'hex');
}

function actorOf({ id, branchId }: Actor): Actor {
  return { id, branchId };
}
