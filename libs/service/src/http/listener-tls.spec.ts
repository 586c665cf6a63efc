import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { certificateFor, createAuthority, eventually, type Authority } from '@eco/testing';
import { followCertificate, httpsOptions } from './listener-tls.js';

/* A listener whose certificate is renewed while it runs. */

let authority: Authority;
const stop = new AbortController();
const lines: string[] = [];
const note = (_fields: object, line = '') => void lines.push(line);
const log = { debug: note, info: note, warn: note, error: note, isLevelEnabled: () => true };

beforeAll(async () => (authority = await createAuthority()));
afterAll(() => stop.abort());

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;

async function seen(port: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

it('shows a renewed certificate to new connections, and keeps the known one while the file is unusable', async () => {
  const [first, second, third] = [
    await certificateFor(authority, ['127.0.0.1']),
    await certificateFor(authority, ['127.0.0.1']),
    await certificateFor(authority, ['127.0.0.1']),
  ];
  const [certificateOfSecond = ''] = second.split('-----BEGIN PRIVATE KEY');
  const keyOfThird = third.slice(third.indexOf('-----BEGIN PRIVATE KEY'));
  let content = first;
  const file = { authority: authority.certificate, certificate: first, readCertificate: () => content };
  const server = createServer(httpsOptions(file));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  followCertificate(file, [server], { log, stopping: stop.signal });
  try {
    expect(await seen(port)).toBe(serialOf(first));

    content = certificateOfSecond + keyOfThird;
    await eventually('the file is refused', () => lines.some((line) => line.includes('could not be read')));
    expect(await seen(port)).toBe(serialOf(first));

    content = third;
    await eventually('the renewed certificate is shown', async () => (await seen(port)) === serialOf(third));
  } finally {
    server.close();
  }
});
