import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { eventually } from '@eco/testing';
import { presentPasswords, type Address, type Password } from '@eco/base';
import { BrokerConnection } from './connection.js';
import { Proxy } from './test/proxy.js';
import { testBroker, type TestBroker } from './test/test-broker.js';

let broker: TestBroker;
let silent: Server;
const running: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  broker = await testBroker('connection');
  silent = createServer((socket) => socket.on('error', () => undefined));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
});
afterAll(async () => {
  silent.close();
  await broker.dispose();
});
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

function start(brokers: Address[], password?: Password): BrokerConnection {
  const access = broker.access('writer.g1', brokers);
  const connection = new BrokerConnection({
    access: password === undefined ? access : { ...access, password },
    name: 'connection-test',
  });
  running.push(connection);
  connection.start();
  return connection;
}

/** Accepts connections and never sends anything. */
const silentAddress = () => ({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port });
/** Nothing listens on this port. */
const deadAddress = { host: '127.0.0.1', port: 1 };

const connected = (connection: BrokerConnection) =>
  eventually('a connection', () => connection.state.type === 'connected' && connection.state.broker);

describe('BrokerConnection', () => {
  it('finds the one broker that answers, wherever it is in the list', async () => {
    for (const brokers of [
      [broker.address, deadAddress, silentAddress()],
      [silentAddress(), deadAddress, broker.address],
    ]) {
      expect(await connected(start(brokers))).toEqual(broker.address);
    }
  });

  it('logs in with the former password while the brokers refuse the new one', async () => {
    const { password } = broker.access('writer.g1');
    const both = () => ['a new password', ...presentPasswords(password)];
    expect(await connected(start([broker.address, deadAddress], both))).toEqual(broker.address);
  });

  it('goes to another broker when its own is lost', async () => {
    const proxies = [new Proxy(broker.address), new Proxy(broker.address)] as const;
    for (const proxy of proxies) {
      await proxy.mend();
      running.push({ stop: () => proxy.cut() });
    }
    const connection = start(proxies.map(({ address }) => address));
    for (let loss = 1; loss <= 4; loss += 1) {
      await connected(connection);
      const own = proxies.find(({ connections }) => connections > 0) as Proxy;
      await own.cut();
      await eventually('the loss is noticed', () => connection.losses === loss);
      await connected(connection);
      await own.mend();
    }
  });

  it('reports why there is no connection, and keeps trying', async () => {
    const refused = start([broker.address], 'wrong');
    await eventually(
      'the reason',
      () => refused.state.type === 'disconnected' && /ACCESS[-_]REFUSED/.test(refused.state.error ?? ''),
    );
    const unanswered = start([silentAddress()]);
    await eventually(
      'the reason',
      () => unanswered.state.type === 'disconnected' && /no answer within 3000 ms/.test(unanswered.state.error ?? ''),
    );
    const dead = start([deadAddress]);
    await eventually(
      'the reason',
      () => dead.state.type === 'disconnected' && /ECONNREFUSED/.test(dead.state.error ?? ''),
    );
  });

  it('stops at once, even while it waits for a broker', async () => {
    const connections = [start([silentAddress()]), start([broker.address])];
    await connected(connections[1] as BrokerConnection);
    const begin = performance.now();
    await Promise.all(connections.map((connection) => connection.stop()));
    // The silent broker is given up after 3 s.
    expect(performance.now() - begin).toBeLessThan(2900);
    expect(connections.map(({ state }) => state)).toEqual([{ type: 'stopped' }, { type: 'stopped' }]);
  });

  it('stops in time when its broker is stalled', async () => {
    const proxy = new Proxy(broker.address);
    await proxy.mend();
    running.push({ stop: () => proxy.cut() });
    const connection = start([proxy.address]);
    await connected(connection);
    proxy.hold();
    const begin = performance.now();
    await connection.stop();
    // Heartbeats would end it after 6 s at the earliest.
    expect(performance.now() - begin).toBeLessThan(5500);
  });

  it('allows starts and stops in any order', async () => {
    const connection = start([broker.address, silentAddress()]);
    for (let round = 0; round < 10; round += 1) {
      const stops = [connection.stop(), connection.stop()];
      connection.start();
      await Promise.all(stops);
      connection.start();
    }
    await connected(connection);
  });

  it('throws without an address', () => {
    expect(() => new BrokerConnection({ access: broker.access('writer.g1', []), name: 'none' })).toThrow(
      /at least one/,
    );
  });
});
