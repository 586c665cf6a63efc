import { createServer, request as httpsRequest } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls';
import { hostPort, type Address } from '@eco/base';
import { BrokerConnection, EventSubscription } from '@eco/broker';
import { brokerAddresses, certificateFor, createAuthority, type Authority } from '@eco/cluster';
import { verifyGroup } from '@eco/database';
import { ReadSession, SideConnection } from '@eco/postgres';
import { WriterSession } from '@eco/writer';
import { apiClientOf, eventually, startTestCluster, type TestCluster } from './index.js';

/*
 * A whole cluster with TLS: it works, it answers nothing without TLS, and no client of ours accepts a server whose
 * certificate another authority has signed.
 */

let cluster: TestCluster;
let stranger: Authority;
beforeAll(async () => {
  stranger = await createAuthority('Stranger');
  cluster = await startTestCluster({
    tls: true,
    brokers: 3,
    groups: [{ id: 'g1', replicas: 1 }],
    writersPerGroup: 1,
  });
}, 240_000);
afterAll(() => cluster?.destroy(), 60_000);

const urlOf = (name: string) => cluster.services.find((each) => each.name === name)?.url ?? '';
const clientOf = (name: string) =>
  apiClientOf(
    () => urlOf(name),
    () => cluster.system.tokens,
  );
const primary = () => cluster.groups[0]?.nodes[0] as TestCluster['groups'][number]['nodes'][0];
const login = (role: 'eco_reader' | 'eco_operator' | 'eco_writer') => {
  const { user, password } = cluster.system.databaseLogin(role);
  return { user, password };
};

describe('with TLS', () => {
  // ASVS 5.0: 12.3.3
  it.each(['central-api', 'sucursal-api'])('an order through %s is decided and read from a replica', async (api) => {
    const productId = `tls-${api}`;
    const central = clientOf('central-api');
    expect((await central('POST', '/products', { productId, name: 'Té', priceCents: 100, stock: 5 })).status).toBe(201);
    const order = await clientOf(api)(
      'POST',
      '/orders',
      { customerId: 'ana', lines: [{ productId, quantity: 2 }] },
      { prefer: 'wait=30' },
    );
    expect(order).toMatchObject({ status: 201, body: { status: 'confirmed' } });
    await eventually('a replica shows the order', async () => {
      const read = await clientOf('read-service')('GET', `/orders/${String(order.body['orderId'])}`);
      return read.status === 200 && /replica/.test(read.headers.get('ecomarket-source') ?? '');
    });
  });

  it('the consumers of events follow, whose tables are written over TLS', async () => {
    const central = clientOf('central-api');
    const body = { name: 'Eva', email: 'eva@example.org' };
    const customer = await central('POST', '/customers', body, { prefer: 'wait=30' });
    expect(customer.status).toBe(201);
    await eventually('the registration is counted', async () => {
      const { body: page } = await central('GET', '/statistics/daily');
      return JSON.stringify(page).includes('"registrations":1');
    });
  });

  // ASVS 5.0: 12.3.1
  it('every session of the database, of services and replicas, is encrypted', async () => {
    using admin = new SideConnection(primary(), cluster.system.databaseLogin('postgres'), 'spec');
    const rows = await admin.ask<{ ssl: boolean }>(
      `SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.client_addr IS NOT NULL`,
    );
    expect(rows).toEqual([{ ssl: true }]);
  });

  // ASVS 5.0: 3.4.1
  it('responses demand TLS of browsers, except for localhost', async () => {
    const url = new URL(`${urlOf('central-api')}/products`);
    const header = async () => (await fetch(url)).headers.get('strict-transport-security');
    expect(await header()).toBe('max-age=31536000');
    url.hostname = 'localhost';
    expect(await header()).toBeNull();
  });

  // ASVS 5.0: 12.1.1
  it('a client that asks for TLS 1.1 is refused', async () => {
    for (const url of [urlOf('central-api'), cluster.services[0]?.operatorsUrl ?? '', managementUrl()]) {
      const { hostname, port } = new URL(url);
      const options = { host: hostname, port: Number(port), ca: primary().authority, maxVersion: 'TLSv1.1' } as const;
      const socket = tlsConnect({ ...options, minVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
      const [error] = (await once(socket, 'error')) as [Error];
      expect(error.message).toMatch(/protocol version|unsupported protocol|alert/);
    }
  });
});

const managementUrl = () => cluster.brokers[0]?.managementUrl ?? '';

describe('without TLS', () => {
  // ASVS 5.0: 12.2.1
  it('HTTP gets no answer: clients, operators, management', async () => {
    for (const { url, operatorsUrl } of cluster.services) {
      for (const each of [url, operatorsUrl]) {
        expect(each).toMatch(/^https:/);
        expect(await plainAnswer(each)).not.toMatch(/^HTTP\/1\.1 2/);
      }
    }
    expect(await plainAnswer(managementUrl())).not.toMatch(/^HTTP\/1\.1 2/);
  });

  // ASVS 5.0: 12.3.1
  it('AMQP gets no connection', async () => {
    const [broker] = brokerAddresses(cluster) as [Address];
    expect(await brokerError({ ...broker, authority: undefined })).not.toBe('');
  });

  // ASVS 5.0: 12.3.1
  it('PostgreSQL refuses every role', async () => {
    for (const role of ['eco_reader', 'eco_writer', 'postgres'] as const) {
      const { user, password } = cluster.system.databaseLogin(role);
      const plain = new SideConnection({ ...primary(), authority: undefined }, { user, password }, 'spec');
      await expect(plain.ask('SELECT 1')).rejects.toMatchObject({ code: '28000' });
    }
  });
});

describe('a certificate of another authority is refused by', () => {
  const refused = /self-signed certificate|unable to verify|unable to get local issuer/;
  const foreign = (address: Address): Address => ({ ...address, authority: stranger.certificate });

  // ASVS 5.0: 12.3.2
  it('each client of PostgreSQL', async () => {
    const node = foreign(primary());
    const reader = { ...login('eco_reader'), applicationName: 'spec', connectTimeoutMs: 5000, queryTimeoutMs: 5000 };
    await expect(new SideConnection(node, login('eco_reader'), 'spec').ask('SELECT 1')).rejects.toThrow(refused);
    await expect(ReadSession.open({ ...node, ...reader })).rejects.toThrow(refused);
    await expect(WriterSession.open(node, login('eco_writer'))).rejects.toThrow(refused);
    await expect(verifyGroup(node, login('eco_operator'))).rejects.toThrow(refused);
  });

  // ASVS 5.0: 12.3.2
  it('each client of the brokers', async () => {
    const [broker] = brokerAddresses(cluster) as [Address];
    expect(await brokerError(foreign(broker))).toMatch(refused);

    // The events' client reports no error, so a server that counts what it receives takes the broker's place.
    const received: number[] = [];
    const pem = await certificateFor(stranger, ['127.0.0.1']);
    const impostor = createTlsServer({ cert: pem, key: pem }, (socket) => {
      let bytes = 0;
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
      socket.on('error', () => undefined);
      socket.on('close', () => received.push(bytes));
    });
    // A client that leaves during the handshake has sent nothing.
    impostor.on('tlsClientError', () => received.push(0));
    impostor.listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const { port } = impostor.address() as AddressInfo;
    const events = new EventSubscription({
      access: { brokers: [{ ...broker, port }], ...cluster.system.brokerLogin('consumers') },
      consumer: 'customers',
      handler: () => undefined,
    });
    events.start();
    try {
      await eventually('the client has left', () => received.length > 0);
      expect(received[0]).toBe(0);
    } finally {
      await events.stop();
      impostor.close();
    }
  });

  // ASVS 5.0: 12.3.2
  it('each client of HTTP', async () => {
    const pem = await certificateFor(stranger, ['localhost', '127.0.0.1']);
    const server = createServer({ cert: pem, key: pem }, (_request, response) => response.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const failure = await fetch(url).catch((error: Error) => (error.cause as Error).message);
      expect(failure).toMatch(refused);
      const asked = httpsRequest(url);
      asked.end();
      const [error] = (await once(asked, 'error')) as [Error];
      expect(error.message).toMatch(refused);
    } finally {
      server.close();
    }
  });

  it('a client that reaches a server by a name that the certificate lacks', async () => {
    const { port } = new URL(urlOf('central-api'));
    const socket = tlsConnect({ host: '127.0.0.1', port: Number(port), ca: primary().authority, servername: 'other' });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/does not match certificate/);
  });
});

describe('a rotation of the certificates', () => {
  it('gives every service and database node a new certificate, and an open connection goes on', async () => {
    const services = cluster.services.flatMap(({ url }) => (url === '' ? [] : [new URL(url)]));
    const shown = async () => [
      ...(await Promise.all(services.map(({ hostname, port }) => certificateOf(connect(Number(port), hostname))))),
      ...(await Promise.all((cluster.groups[0]?.nodes ?? []).map(postgresCertificate))),
    ];
    const before = await shown();
    using session = new SideConnection(primary(), login('eco_operator'), 'spec');
    expect(await session.ask('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await cluster.rotateSecret('certificates')).toBe(
      'all servers and services have new certificates, RabbitMQ within two minutes',
    );
    await eventually('each shows a new one', async () => (await shown()).every((each) => !before.includes(each)));
    expect(await session.ask('SELECT 2 AS two')).toEqual([{ two: 2 }]);
    expect((await clientOf('central-api')('GET', '/products')).status).toBe(200);
  });
});

/** Serial number of the certificate that a server shows, verified by the cluster's authority. */
async function certificateOf(socket: Socket): Promise<string> {
  const secure = tlsConnect({ socket, host: '127.0.0.1', ca: primary().authority });
  try {
    await once(secure, 'secureConnect');
    return secure.getPeerCertificate().serialNumber;
  } finally {
    secure.destroy();
  }
}

/** PostgreSQL turns to TLS when a client asks for it, by message SSLRequest of its protocol. */
async function postgresCertificate({ host, port }: Address): Promise<string> {
  const socket = connect(port, host);
  socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toBe('S');
  return certificateOf(socket);
}

/** The answer to a plain request, before the connection ends. */
function plainAnswer(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(`GET /health/live HTTP/1.0\r\n\r\n`));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

/** The error of the first try to connect; empty: it succeeded. */
async function brokerError(broker: Address): Promise<string> {
  const access = { brokers: [broker], ...cluster.system.brokerLogin('central') };
  const connection = new BrokerConnection({ access, name: `spec ${hostPort(broker)}` });
  connection.start();
  try {
    const state = await eventually('a try has ended', () => {
      const { type } = connection.state;
      return (type === 'connected' || (connection.state as { error?: string }).error !== undefined) && connection.state;
    });
    return state.type === 'disconnected' ? (state.error ?? '') : '';
  } finally {
    await connection.stop();
  }
}
