import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import { certificateFor, createAuthority } from '@eco/cluster';
import { certificateExpiry } from './certificates.js';

const servers: Server[] = [];
const sockets: Socket[] = [];
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<{ host: string; port: number }> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

let pem: string;
beforeAll(async () => (pem = await certificateFor(await createAuthority(), ['127.0.0.1'])));

const isInAYear = (ms: number | undefined) => Math.abs((ms ?? 0) - Date.now() - 397 * 86_400_000) < 2 * 86_400_000;

it('reads when the certificate of a TLS listener expires', async () => {
  const address = await listen(createTlsServer({ cert: pem, key: pem }));
  expect(isInAYear(await certificateExpiry(address, 'tls'))).toBe(true);
});

it('asks PostgreSQL for TLS first', async () => {
  const address = await listen(
    createServer((socket) => {
      socket.once('data', () => {
        socket.write('S');
        const secured = new TLSSocket(socket, { isServer: true, cert: pem, key: pem });
        secured.on('error', () => undefined);
        sockets.push(secured);
      });
    }),
  );
  expect(isInAYear(await certificateExpiry(address, 'postgres'))).toBe(true);
});

it('knows nothing of a listener that has no TLS or is away', async () => {
  const address = await listen(createServer((socket) => void socket.once('data', () => socket.end('N'))));
  expect(await certificateExpiry(address, 'postgres')).toBeUndefined();
  expect(await certificateExpiry({ host: '127.0.0.1', port: 1 }, 'tls')).toBeUndefined();
});
