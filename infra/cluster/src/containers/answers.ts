import net from 'node:net';
import type { Address } from '@eco/base';
import { SideConnection } from '@eco/postgres';

/**
 * Whether a server works. Only an answer of the server itself shows that. A listening port shows little, because an
 * engine listens on a published port before the container does.
 */

const ANSWER_MS = 2000;

/** A broker answers once it has received the protocol's name. */
export function answersAmqp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port }, () => socket.write('AMQP\x00\x00\x09\x01'));
    const settle = (answers: boolean) => {
      socket.destroy();
      resolve(answers);
    };
    socket.once('data', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.setTimeout(ANSWER_MS, () => settle(false));
  });
}

export async function answersHttp(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/**
 * A missing database counts as an answer too (3D000, PostgreSQL's errcodes), because the database is created over this
 * connection.
 */
export async function answersSql(node: Address, password: string): Promise<boolean> {
  using connection = new SideConnection(node, { user: 'postgres', password }, 'eco cluster');
  try {
    await connection.ask('SELECT 1', [], ANSWER_MS);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === '3D000';
  }
}
