import { Socket } from 'node:net';
import { Client, type QueryArrayConfig, type QueryArrayResult } from 'pg';
import type { Address, ChangingLogin, Login } from '@eco/base';
import { DATABASE_NAME, logIn, serverAt, settingsOption, type Statement } from '@eco/postgres';
import { ElapsedTime } from './elapsed-time.js';

/**
 * The writer's one connection to the primary. It holds the advisory lock and runs the batches, so both end with it. It
 * has no client-side query timeout and no cancel: cutting short a COMMIT's wait for a replica would publish rows that
 * are not replicated. The server limits every other statement, keepalives detect a dead peer, and a watch on another
 * connection (`watch.ts`) destroys this session when its backend is gone.
 */
const settings: Readonly<Record<string, string>> = {
  application_name: 'eco writer',
  // The load must see the batch that the previous leader committed while the fence waited. A single snapshot per
  // transaction would not show it.
  default_transaction_isolation: 'read committed',
  // Overrides role and server settings: an outcome is acknowledged only when a replica has it too.
  synchronous_commit: 'on',
  // A plan made while a table was empty would scan it forever. Such plans also look so expensive that the JIT compiles
  // them, 30 ms per batch. So both settings are needed.
  enable_seqscan: 'off',
  jit: 'off',
  // A stalled writer's lock is freed after this time; neither setting cuts a wait for a replica. It is longer than the
  // brokers need to drop the writer (9 s, `connection.ts` of @eco/broker): its deliveries are then back in the queue,
  // in order, before another writer takes from it.
  idle_session_timeout: '11s',
  idle_in_transaction_session_timeout: '11s',
  // This timeout does not cut a wait for a replica either.
  statement_timeout: '5s',
  lock_timeout: '3s',
  // A notice is about data, such as a word too long for the index. Only warnings, which say that a commit is uncertain,
  // count.
  client_min_messages: 'warning',
  // Ends a killed writer's backend even in the middle of a statement.
  client_connection_check_interval: '1s',
  tcp_keepalives_idle: '3',
  tcp_keepalives_interval: '1',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '11s',
};

const CONNECT_MS = 3000;
const CLOSE_MS = 1000;

export type Row = unknown[];

export interface StatementResult extends QueryArrayResult<Row> {
  /** The server's first warning during this statement. */
  warning: string | undefined;
}

export class WriterSession {
  /** Time since the group's clock was last advanced, by this process's clock. */
  readonly elapsed = new ElapsedTime();
  /** Settles when the connection has ended, for any reason; never rejects. */
  readonly ended: Promise<Error>;
  readonly #socket = new Socket();
  readonly #client: Client;
  #failure: Error | undefined;
  #answeredAt = performance.now();
  #waitsForReplicaSince: number | undefined;
  /** The server's warning for the statement that it is running. Answers arrive in the order of the statements. */
  #warning: string | undefined;

  private constructor(
    readonly node: Address,
    login: Login,
  ) {
    this.#client = new Client({
      ...serverAt(node),
      ...login,
      database: DATABASE_NAME,
      stream: () => this.#socket,
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: 3000,
      connectionTimeoutMillis: CONNECT_MS,
      options: settingsOption(settings),
    });
    this.#client.on('notice', (notice) => (this.#warning ??= notice.message ?? 'a warning without text'));
    this.#client.on('error', (error) => (this.#failure ??= error));
    this.ended = new Promise((resolve) => {
      this.#client.once('end', () => resolve(this.#failure ?? new Error('the session was closed')));
    });
  }

  /** Throws if the node can't be reached, rejects the login or does not answer within 3 s. */
  static open(node: Address, { user, password }: ChangingLogin): Promise<WriterSession> {
    return logIn(password, async (present) => {
      const session = new WriterSession(node, { user, password: present });
      await session.#client.connect();
      return session;
    });
  }

  /** The server's process, as `pg_stat_activity` and `pg_locks` name it. */
  get backendPid(): number {
    return (this.#client as unknown as { processID: number }).processID;
  }

  /**
   * Sends all queries of `send` in one write, so a round trip is one packet instead of one per statement. `send` must
   * not await.
   */
  together<T>(send: () => T): T {
    // With TLS this is not the socket, and each write would be a record of its own.
    const { stream } = this.#client.connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }

  /** The reason why the session was lost. Undefined: it is open. */
  get lostBecause(): Error | undefined {
    return this.#failure;
  }

  /** Time since the server's last answer, ms. */
  get silentMs(): number {
    return performance.now() - this.#answeredAt;
  }

  /** Observed wait of the COMMIT for a replica, ms, exact to a second. 0: it does not wait. */
  get replicaWaitMs(): number {
    return this.#waitsForReplicaSince === undefined ? 0 : performance.now() - this.#waitsForReplicaSince;
  }

  /** The session's watch sets this value. */
  observeReplicaWait(waits: boolean): void {
    if (waits) this.#waitsForReplicaSince ??= performance.now();
    else this.#waitsForReplicaSince = undefined;
  }

  /** Rows are arrays in column order. */
  run({ name, text }: Statement, values: unknown[] = []): Promise<StatementResult> {
    return this.#query({ name, text, values, rowMode: 'array' });
  }

  /** BEGIN, COMMIT and the like, whose parse costs nothing. */
  control(text: string): Promise<StatementResult> {
    return this.#query({ text, rowMode: 'array' });
  }

  #query(config: QueryArrayConfig): Promise<StatementResult> {
    return new Promise((resolve, reject) => {
      // A callback runs before the server's next message is read. A promise's `then` would run after all messages that
      // came with it.
      this.#client.query<Row>(config, (error, result) => {
        const warning = this.#warning;
        this.#warning = undefined;
        // The type says that `error` is always set; on success it is undefined.
        const failure = error as Error | null | undefined;
        if (failure !== null && failure !== undefined) return reject(failure);
        this.#answeredAt = performance.now();
        resolve(Object.assign(result, { warning }));
      });
    });
  }

  /**
   * Closes the connection at once, without a message to the server. The server then ends the backend, and with it the
   * lock and the transaction.
   */
  destroy(why: Error): void {
    this.#failure ??= why;
    this.#socket.destroy();
  }

  /**
   * Lets sent statements finish, then closes: the lock is free at once. A server that does not answer is abandoned
   * after 1 s.
   */
  async close(): Promise<void> {
    const late = setTimeout(() => this.destroy(new Error('the server did not close the session in time')), CLOSE_MS);
    await this.#client.end().catch(() => undefined);
    clearTimeout(late);
  }
}
