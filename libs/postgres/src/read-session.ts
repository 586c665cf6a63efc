import { Client, DatabaseError } from 'pg';
import type { Address, ChangingLogin, Login } from '@eco/base';
import { DATABASE_NAME } from './database-name.js';
import { logIn } from './log-in.js';
import { serverAt } from './server-at.js';
import { settingsOption } from './settings-option.js';
import { SQLSTATE } from './sqlstate.js';
import type { Statement } from './statement.js';

/*
 * One connection for many reads. Each statement is sent without waiting for earlier answers (measured: 1.5 × the
 * throughput of a connection that waits), in its own read-only transaction. Answers arrive in order, so an overdue one
 * ends the connection and everything behind it. Every query settles, and its reader tries another node.
 */

export interface ReadSessionOptions extends Address, ChangingLogin {
  /** Name of the session in `pg_stat_activity`. */
  readonly applicationName: string;
  readonly connectTimeoutMs: number;
  /**
   * Longest time from sending a query to its complete answer, ms. It includes the answers before it. A server that
   * takes longer counts as stalled.
   */
  readonly queryTimeoutMs: number;
  /** The server's limit for one statement, ms. Absent: `queryTimeoutMs`. */
  readonly statementTimeoutMs?: number;
  /** Absent: `READ_PLAN_SETTINGS`. */
  readonly planSettings?: Readonly<Record<string, string>>;
}

/**
 * A read without an answer. `sqlState` is the server's code; undefined if the connection could not be made or broke.
 */
export class ReadError extends Error {
  override readonly name = 'ReadError';

  constructor(
    message: string,
    readonly sqlState: string | undefined,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/**
 * Planner settings of reads, except slow ones. Statements are few and small, and each has an index in its order, so an
 * index scan is right from the first row on. Without these settings, a statement prepared while its table was empty
 * scans the table until the next ANALYZE. A generic plan reads all 15,000 orders of one customer to find the last 20
 * (by a bitmap: 16,000 pages instead of 27). The estimated cost of such a scan would then start the JIT.
 */
export const READ_PLAN_SETTINGS = { enable_seqscan: 'off', enable_bitmapscan: 'off', jit: 'off' } as const;

/**
 * Planner settings of slow reads. A plan is made for the given values, since a day and a year need different plans.
 * There is memory for sorting. A report uses one core and leaves the others to other reads.
 */
export const SLOW_READ_PLAN_SETTINGS = {
  plan_cache_mode: 'force_custom_plan',
  work_mem: '32MB',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
} as const;

/** Time limit of an orderly close, so that a stalled server does not delay the process. */
const GOODBYE_MS = 500;

export class ReadSession {
  #inFlight = 0;
  #closed = false;
  #isGathering = false;
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
    client.once('end', () => (this.#closed = true));
    // Each running query gets the error by itself; without a listener the error would end the process.
    client.on('error', () => (this.#closed = true));
  }

  /** Throws a `ReadError` when there is no session within `connectTimeoutMs`. */
  static async open(options: ReadSessionOptions): Promise<ReadSession> {
    try {
      return await logIn(options.password, (password) => ReadSession.#connect({ ...options, password }));
    } catch (error) {
      throw readError(error);
    }
  }

  static async #connect(options: ReadSessionOptions & Login): Promise<ReadSession> {
    const client = new Client({
      ...serverAt(options),
      user: options.user,
      password: options.password,
      database: DATABASE_NAME,
      application_name: options.applicationName,
      connectionTimeoutMillis: options.connectTimeoutMs,
      query_timeout: options.queryTimeoutMs,
      statement_timeout: options.statementTimeoutMs ?? options.queryTimeoutMs,
      options: settingsOption({
        default_transaction_read_only: 'on',
        timezone: 'UTC',
        ...(options.planSettings ?? READ_PLAN_SETTINGS),
      }),
      keepAlive: true,
      pipeline: true,
    });
    const session = new ReadSession(client);
    try {
      await client.connect();
    } catch (error) {
      session.close();
      throw error;
    }
    return session;
  }

  /** Queries sent and not answered yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Throws a `ReadError` when there is no answer. */
  async query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    this.#inFlight += 1;
    this.#gather();
    try {
      const result = await this.#client.query({ name: statement.name, text: statement.text, values: [...values] });
      return result.rows as Row[];
    } catch (error) {
      throw readError(error);
    } finally {
      this.#inFlight -= 1;
    }
  }

  /**
   * Sends all queries of one turn of the event loop in one write. Under load many statements then share one system
   * call.
   */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const { stream } = this.#client.connection;
    stream.cork();
    setImmediate(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }

  /** Closes the session; running queries fail. Sends an orderly end if the server may be listening. */
  close(): void {
    if (this.#closed && this.#inFlight === 0) return;
    this.#closed = true;
    const destroy = () => this.#client.connection.stream.destroy();
    if (this.#inFlight > 0) destroy();
    else setTimeout(destroy, GOODBYE_MS).unref();
    void this.#client.end().catch(() => undefined);
  }
}

function readError(error: unknown): ReadError {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof DatabaseError)) return new ReadError(message, undefined, error);
  // "cached plan must not change result type": a migration has changed a column. Another session prepares it again.
  const isStalePlan = error.code === SQLSTATE.featureNotSupported && error.routine === 'RevalidateCachedQuery';
  return new ReadError(message, isStalePlan ? SQLSTATE.unknownStatement : error.code, error);
}
