import { connect as connectTcp, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Address } from '@eco/base';

/** Request for TLS at the beginning of a connection with PostgreSQL: length 8, code 80877103. The answer is `S`. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const ANSWER_MS = 3000;

/**
 * When the certificate of a listener expires, ms since 1970. Undefined: it did not answer. An expired or foreign
 * certificate is read, too. Nothing is sent over the connection.
 */
export async function certificateExpiry(
  { host, port }: Address,
  protocol: 'tls' | 'postgres',
): Promise<number | undefined> {
  const socket = connectTcp({ host, port });
  // Errors after the first one have no listener.
  socket.on('error', () => undefined);
  let secured: TLSSocket | undefined;
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    await once(socket, 'connect', { signal });
    if (protocol === 'postgres') await requestTls(socket, signal);
    secured = connectTls({ socket, rejectUnauthorized: false });
    secured.on('error', () => undefined);
    await once(secured, 'secureConnect', { signal });
    return Date.parse(secured.getPeerCertificate().valid_to);
  } catch {
    return undefined;
  } finally {
    secured?.destroy();
    socket.destroy();
  }
}

async function requestTls(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (answer.toString() !== 'S') throw new Error('the server does not speak TLS');
}
