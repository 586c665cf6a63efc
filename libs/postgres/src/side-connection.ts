import { Socket } from 'node:net';
import { Client, DatabaseError, type QueryResultRow } from 'pg';
import { within, type Address, type ChangingLogin } from '@eco/base';
import { DATABASE_NAME } from './database-name.js';
import { logIn } from './log-in.js';
import { serverAt } from './server-at.js';

/** Time without received data while an answer is due, ms. After it the connection counts as lost. */
const PATIENCE_MS = 5_000;

interface Connection {
  readonly opened: Promise<Client>;
  readonly drop: () => void;
  /** Time since which an answer has been due. Undefined: none is due. */
  silentSince: number | undefined;
  /** Number of queries that wait for an answer. */
  awaited: number;
}

/**
 * A connection to one node for small queries: opened when needed, kept while it answers, dropped when it breaks. Every
 * query settles within its deadline, even at a stalled server. A slow server keeps its connection beyond a query's
 * deadline. A new login costs the server more than any answer. If a late connection were dropped, a machine that was
 * overloaded for a moment would stay overloaded.
 */
export class SideConnection {
  #connection: Connection | undefined;

  constructor(
    readonly node: Address,
    readonly login: ChangingLogin,
    readonly applicationName: string,
  ) {}

  /** Throws any error; `deadlineMs` covers connecting and answering together. */
  async ask<R extends QueryResultRow>(text: string, values: unknown[] = [], deadlineMs = 1000): Promise<R[]> {
    return within(deadlineMs, this.#answer<R>(this.#current(), text, values), () => {
      throw new Error(`no answer within ${deadlineMs} ms`);
    });
  }

  async #answer<R extends QueryResultRow>(connection: Connection, text: string, values: unknown[]): Promise<R[]> {
    connection.awaited += 1;
    connection.silentSince ??= performance.now();
    try {
      const client = await connection.opened;
      return (await client.query<R>(text, values)).rows;
    } catch (error) {
      // A rejected query does not break the connection.
      if (!(error instanceof DatabaseError && error.severity === 'ERROR')) this.#leave(connection);
      throw error;
    } finally {
      connection.awaited -= 1;
      connection.silentSince = connection.awaited > 0 ? performance.now() : undefined;
    }
  }

  #current(): Connection {
    const since = this.#connection?.silentSince;
    if (this.#connection && since !== undefined && performance.now() - since > PATIENCE_MS)
      this.#leave(this.#connection);
    return (this.#connection ??= this.#open());
  }

  /** Drops the connection. The running query fails, and the next one opens a new connection. */
  #leave(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection.drop();
  }

  close(): void {
    if (this.#connection) this.#leave(this.#connection);
  }

  /** Closes it at the end of the block in which it was declared by `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #open(): Connection {
    let socket: Socket | undefined;
    let isDropped = false;
    const opened = logIn(this.login.password, async (password) => {
      if (isDropped) throw new Error('the connection was dropped');
      const own = (socket = new Socket());
      const client = new Client({
        ...serverAt(this.node),
        user: this.login.user,
        password,
        database: DATABASE_NAME,
        application_name: this.applicationName,
        stream: () => own,
        pipeline: true,
        keepAlive: true,
      });
      // A running query fails; between queries, the next one does.
      client.on('error', () => undefined);
      await client.connect();
      return client;
    });
    opened.catch(() => undefined);
    const drop = () => {
      isDropped = true;
      socket?.destroy();
    };
    return { opened, drop, silentSince: undefined, awaited: 0 };
  }
}
