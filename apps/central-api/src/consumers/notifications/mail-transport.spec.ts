import type { AddressInfo } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { certificateFor, createAuthority, type Authority } from '@eco/testing';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { openMailTransport } from './mail-transport.js';

/* Real mail servers: with and without TLS, with a certificate that is trusted and one that is not. */

const login = { user: 'shop', password: 'secret' };
let trusted: Authority;
let pem: string;
const servers: SMTPServer[] = [];
const before = getCACertificates('default');

beforeAll(async () => {
  trusted = await createAuthority('Mail');
  pem = await certificateFor(trusted, ['127.0.0.1']);
  setDefaultCACertificates([...before, trusted.certificate]);
});
afterAll(async () => {
  setDefaultCACertificates(before);
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(resolve))));
});

interface Received {
  readonly port: number;
  /** Passwords and mails that the server got, and whether each came over TLS. */
  readonly passwords: boolean[];
  readonly mails: boolean[];
}

async function serve(options: SMTPServerOptions): Promise<Received> {
  const passwords: boolean[] = [];
  const mails: boolean[] = [];
  const server = new SMTPServer({
    ...options,
    // The server itself would accept a password in clear.
    allowInsecureAuth: true,
    onAuth({ username, password }, session, callback) {
      passwords.push(session.secure);
      const isKnown = username === login.user && password === login.password;
      callback(isKnown ? null : new Error('unknown'), { user: username });
    },
    onData(stream, session, callback) {
      mails.push(session.secure);
      stream.resume();
      stream.on('end', () => callback());
    },
  });
  // A client that refuses the certificate ends the connection.
  server.on('error', () => undefined);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.server.address() as AddressInfo).port, passwords, mails };
}

async function send(url: string, withLogin: boolean): Promise<unknown> {
  const transport = openMailTransport({ url, login: withLogin ? login : undefined });
  try {
    return await transport.sendMail({ from: 'a@example.org', to: 'b@example.org', subject: 'x', text: 'x' });
  } finally {
    transport.close();
  }
}

describe('a mail with a login', () => {
  it.each(['smtp', 'smtps'])('is sent by %s over TLS to a server with a valid certificate', async (scheme) => {
    const server = await serve({ cert: pem, key: pem, secure: scheme === 'smtps' });
    await send(`${scheme}://127.0.0.1:${server.port}`, true);
    expect(server).toMatchObject({ passwords: [true], mails: [true] });
  });

  it('is not sent to a server without TLS, and neither is the password', async () => {
    const server = await serve({ authOptional: true, disabledCommands: ['STARTTLS'] });
    await expect(send(`smtp://127.0.0.1:${server.port}`, true)).rejects.toThrow(/STARTTLS/);
    expect(server).toMatchObject({ passwords: [], mails: [] });
  });

  it.each([
    ['smtp', 'of another authority', 'Stranger', ['127.0.0.1'], /self-signed|unable to verify/],
    ['smtps', 'of another authority', 'Stranger', ['127.0.0.1'], /self-signed|unable to verify/],
    ['smtp', 'of another host', 'trusted', ['mail.example'], /does not match certificate/],
    ['smtps', 'of another host', 'trusted', ['mail.example'], /does not match certificate/],
  ] as const)('is not sent by %s to a server with a certificate %s', async (scheme, _what, who, hosts, error) => {
    const authority = who === 'trusted' ? trusted : await createAuthority(who);
    const certificate = await certificateFor(authority, hosts);
    const server = await serve({ cert: certificate, key: certificate, secure: scheme === 'smtps' });
    await expect(send(`${scheme}://127.0.0.1:${server.port}`, true)).rejects.toThrow(error);
    expect(server).toMatchObject({ passwords: [], mails: [] });
  });
});

describe('a mail without a login', () => {
  it('is sent to a server without TLS, and over TLS if the server offers it', async () => {
    const plain = await serve({ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] });
    await send(`smtp://127.0.0.1:${plain.port}`, false);
    const offering = await serve({ authOptional: true, cert: pem, key: pem });
    await send(`smtp://127.0.0.1:${offering.port}`, false);
    expect([plain.mails, offering.mails]).toEqual([[false], [true]]);
  });
});
