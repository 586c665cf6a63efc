import { Socket } from 'node:net';
import { Client, DatabaseError, type QueryResultRow } from 'pg';
import { DATABASE_NAME } from '../roles/roles.js';
import type { Login, NodeAddress } from './login.js';

/** Nothing heard for so long while something is awaited: the connection is taken for lost. */
const PATIENCE_MS = 5_000;

interface Connection {
  readonly opened: Promise<Client>;
  readonly drop: () => void;
  /** Since when it has been silent with something to say; undefined: it owes nothing. */
  silentSince: number | undefined;
  /** Questions without an answer. */
  awaited: number;
}

/**
 * A connection to one node for small questions: opened when it is needed, kept while it answers, dropped when it breaks.
 * Every question settles within its deadline, also at a server that stands still.
 *
 * A server that is only slow keeps its connection beyond a question's deadline. To log in anew costs it more than any
 * answer, so whoever left it for being late would keep it late: a machine that was overloaded for a moment stayed so.
 */
export class SideConnection {
  #connection: Connection | undefined;

  constructor(
    readonly node: NodeAddress,
    readonly login: Login,
    readonly applicationName: string,
  ) {}

  /** Throws whatever went wrong; `deadlineMs` holds for connecting and for the answer together. */
  async ask<R extends QueryResultRow>(text: string, values: unknown[] = [], deadlineMs = 1000): Promise<R[]> {
    const connection = this.#current();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
    });
    const answer = this.#answer<R>(connection, text, values);
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
      answer.catch(() => undefined);
    }
  }

  async #answer<R extends QueryResultRow>(connection: Connection, text: string, values: unknown[]): Promise<R[]> {
    connection.awaited += 1;
    connection.silentSince ??= performance.now();
    try {
      const client = await connection.opened;
      return (await client.query<R>(text, values)).rows;
    } catch (error) {
      // What the server refuses is the question's fault.
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

  /** What is under way on it fails; the next question opens another one. */
  #leave(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection.drop();
  }

  close(): void {
    if (this.#connection) this.#leave(this.#connection);
  }

  #open(): Connection {
    const socket = new Socket();
    const client = new Client({
      ...this.node,
      ...this.login,
      database: DATABASE_NAME,
      application_name: this.applicationName,
      stream: () => socket,
      pipeline: true,
      keepAlive: true,
    });
    // The question that is under way fails by it; between questions the next one does.
    client.on('error', () => undefined);
    const opened = client.connect().then(() => client);
    opened.catch(() => undefined);
    return { opened, drop: () => void socket.destroy(), silentSince: undefined, awaited: 0 };
  }
}
