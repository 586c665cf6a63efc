import { Socket } from 'node:net';
import { Client, type QueryResultRow } from 'pg';
import { DATABASE_NAME } from '../roles/roles.js';
import type { Login, NodeAddress } from './login.js';

/**
 * A connection to one node for small questions: opened when it is needed, kept while it answers, dropped at the first
 * thing that goes wrong, so the next question starts afresh. Every question settles within its deadline, also at a
 * server that stands still.
 */
export class SideConnection {
  #client: { opened: Promise<Client>; drop: () => void } | undefined;

  constructor(
    readonly node: NodeAddress,
    readonly login: Login,
    readonly applicationName: string,
  ) {}

  /** Throws whatever went wrong; `deadlineMs` holds for connecting and for the answer together. */
  async ask<R extends QueryResultRow>(text: string, values: unknown[] = [], deadlineMs = 1000): Promise<R[]> {
    const current = (this.#client ??= this.#open());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
    });
    const answer = current.opened.then((client) => client.query<R>(text, values));
    try {
      return (await Promise.race([answer, late])).rows;
    } catch (error) {
      answer.catch(() => undefined);
      if (this.#client === current) this.#client = undefined;
      current.drop();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#client?.drop();
    this.#client = undefined;
  }

  #open(): { opened: Promise<Client>; drop: () => void } {
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
    return { opened, drop: () => void socket.destroy() };
  }
}
