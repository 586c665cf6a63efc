import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Login } from '@eco/base';
import { askManagement, limitsOf, setUserPassword, type ManagementAnswer } from '@eco/broker';
import { brokerUsersOf } from '@eco/contracts';
import { ReplicationWatch, setPassword } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { eventually } from '@eco/testing';
import type { Cluster } from '../cluster.js';
import { openDataFolder } from '../data-folder.js';
import { declareBrokers } from '../declare-brokers.js';
import { describeCluster, membersOf } from '../description.js';
import { portsOf } from '../layout.js';
import { isFree } from '../ports.js';
import { Refused } from '../refused.js';
import { AlreadyRunning } from '../run-file.js';
import { announcePassword, openSecrets } from '../secrets.js';
import { openCluster, startNative } from '../start-native.js';
import { startOf } from '../processes/identity.js';

/*
 * The servers on which the other specs rely: their passwords, their replication, and the absence of leftovers after
 * they stop.
 */

const dataDir = mkdtempSync(path.join(os.tmpdir(), 'eco-native-'));
const description = describeCluster({
  brokers: 1,
  groups: [{ id: 'g1', replicas: 1 }],
  services: false,
  dataDir,
  ports: { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, operators: 0 },
});

let cluster: Cluster;

async function start(): Promise<void> {
  cluster = await openCluster(description, { endWithUs: 'the cluster and its data' });
  await cluster.start();
}

beforeAll(start, 180_000);
afterAll(() => cluster.destroy(), 60_000);

function management(
  pathname: string,
  login: Login,
  body?: object,
  method = body ? 'POST' : 'GET',
): Promise<ManagementAnswer> {
  return askManagement({ url: cluster.brokers[0]?.managementUrl ?? '', ...login }, `/api/${pathname}`, {
    method,
    body,
  });
}

const wrong: Login = { user: 'eco_reader', password: 'wrong' };

async function onPrimary(sql: string): Promise<Record<string, unknown>[]> {
  const node = cluster.groups[0]?.nodes[0];
  if (!node) throw new Error('there is no node');
  const { user, password } = cluster.system.databaseLogin('postgres');
  using connection = new SideConnection(node, { user, password }, 'test');
  return await connection.ask(sql, [], 30_000);
}

const replicaState = async () => {
  const watch = new ReplicationWatch(cluster.groups[0]?.nodes ?? [], cluster.system.databaseLogin('eco_monitor'));
  try {
    return (await watch.look()).map(({ name, role, seenByPrimary }) => [name, role, seenByPrimary?.syncState]);
  } finally {
    watch.close();
  }
};

test('the replica streams, and commits wait for it', async () => {
  expect(await replicaState()).toEqual([
    ['g1-1', 'primary', undefined],
    ['g1-2', 'replica', 'quorum'],
  ]);
  const settings = await onPrimary(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('data_checksums', 'synchronous_standby_names', 'max_slot_wal_keep_size', 'hot_standby_feedback', 'listen_addresses')
     ORDER BY name`,
  );
  expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
    data_checksums: 'on',
    hot_standby_feedback: 'on',
    listen_addresses: '127.0.0.1',
    max_slot_wal_keep_size: '2048',
    synchronous_standby_names: 'ANY 1 ("g1-1", "g1-2")',
  });
});

// ASVS 5.0: 6.3.2
test('the management API answers the administrator and the operator, the operator may only look, and no guest exists', async () => {
  const operator = cluster.system.brokerLogin('operator');
  expect((await management('queues/ecomarket/orders.g1', cluster.system.brokerLogin('topology'))).status).toBe(200);
  expect((await management('queues/ecomarket/orders.g1', operator)).status).toBe(200);
  expect((await management('queues/ecomarket/orders.g1', operator, undefined, 'DELETE')).status).toBe(401);
  expect((await management('users/mine', operator, { password: 'p', tags: '' }, 'PUT')).status).toBe(401);
  expect((await management('whoami', { user: 'guest', password: 'guest' })).status).toBe(401);
  expect((await management('whoami', { user: 'operator', password: 'operator' })).status).toBe(401);
  const users = JSON.parse((await management('users', cluster.system.brokerLogin('topology'))).text) as {
    name: string;
  }[];
  expect(users.map(({ name }) => name).sort()).toEqual([
    'branch.sucursal-1',
    'central',
    'consumers',
    'dead-letter-admin',
    'operator',
    'topology',
    'writer.g1',
  ]);
});

test('no password is readable by others, or in an argument or a log', async () => {
  const secrets = path.join(dataDir, 'secrets');
  expect(statSync(secrets).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(secrets)) expect(statSync(path.join(secrets, name)).mode & 0o777).toBe(0o600);
  const { cookie, broker, database, tokens } = await openSecrets(dataDir);
  const { signingKey, idKeyMaster } = tokens;
  const passwords = [cookie, ...Object.values(broker), ...Object.values(database), signingKey.d, idKeyMaster];
  expect(passwords.length).toBeGreaterThan(10);
  const texts = [
    ...readdirSync(path.join(dataDir, 'log')).map((name) => readFileSync(path.join(dataDir, 'log', name), 'utf8')),
    ...cluster.processes.map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
    ...cluster.processes.map(({ pid }) => readFileSync(`/proc/${pid}/environ`, 'utf8')),
  ];
  for (const text of texts) for (const password of passwords) expect(text).not.toContain(password);
});

test('log-ins, refused log-ins and changes of rights are logged, and no verifier of a password is', async () => {
  const node = cluster.groups[0]?.nodes[0];
  const refused = new SideConnection({ host: node?.host ?? '', port: node?.port ?? 0 }, wrong, 'test');
  await expect(refused.ask('SELECT 1', [], 30_000)).rejects.toThrow(/password authentication failed/);
  refused.close();
  await onPrimary(`SELECT 'a connection'`);
  const log = () => readFileSync(path.join(dataDir, 'log', 'g1-1.log'), 'utf8');
  const lines = [
    'FATAL:  password authentication failed for user "eco_reader"',
    'connection authorized: user=eco_migrator database=ecomarket',
    'disconnection: session time:',
    'REVOKE pg_read_all_stats FROM eco_writer',
    'ALTER SYSTEM',
  ];
  await onPrimary('ALTER SYSTEM RESET work_mem');
  await eventually('the lines', () => lines.every((line) => log().includes(line)));
  expect(log()).not.toMatch(/SCRAM-SHA-256\$|PASSWORD '/);
});

test('a data folder has one cluster at a time', async () => {
  await expect(startNative(description)).rejects.toThrow(AlreadyRunning);
});

test('a killed server comes back by a restart', async () => {
  for (const name of ['g1-1', 'broker-1']) {
    const process = cluster.processes.find((each) => each.name === name);
    process?.kill('SIGKILL');
    await eventually(`the end of ${name}`, () => process?.running === false);
    await process?.restart();
  }
  await eventually('the replica to stream again', async () => (await replicaState())[1]?.[2] === 'quorum');
  await eventually(
    'the queue',
    async () => (await management('queues/ecomarket/orders.g1', cluster.system.brokerLogin('topology'))).ok,
  );
}, 120_000);

// This test comes after the kill. A broker stores the members of a new queue within about half a second, and a kill
// before that loses them.
test('a start with a differing queue is refused in one line, unless only the brokers start for its repair', async () => {
  const secrets = await openSecrets(dataDir, membersOf(description));
  const login = cluster.system.brokerLogin('topology');
  const queue = async (method: string, body?: object) => {
    const response = await management('queues/ecomarket/orders.g1', login, body, method);
    expect([method, response.ok]).toEqual([method, true]);
  };
  const declared = (forServices: boolean) =>
    declareBrokers({
      urls: [cluster.brokers[0]?.managementUrl ?? ''],
      ...membersOf(description),
      brokers: 1,
      forServices,
      secrets,
    });
  await declared(true);
  await queue('DELETE');
  await queue('PUT', { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 20 } });
  await expect(declared(true)).rejects.toThrow(Refused);
  await expect(declared(true)).rejects.toThrow(
    'Queue orders.g1 differs: x-delivery-limit is 20 and must be 1000000000; x-quorum-initial-group-size is not set and ' +
      'must be 1. Empty it, delete it, then start again. The brokers start alone by "npm start -- --no-services".',
  );
  await declared(false);
  await queue('DELETE');
  await declared(true);
});

test('a start replaces the users of an earlier version, whose operator was the administrator', async () => {
  const secrets = await openSecrets(dataDir, membersOf(description));
  const former = { user: 'operator', password: secrets.broker.operator };
  const put = async (name: string, tags: string, login: Login) => {
    const body = { password: name === 'operator' ? former.password : 'an-old-password', tags };
    expect((await management(`users/${name}`, login, body, 'PUT')).ok).toBe(true);
  };
  const topology = cluster.system.brokerLogin('topology');
  for (const name of ['sucursal', 'writer', 'guest', 'branch.closed', 'somebody']) await put(name, '', topology);
  await put('operator', 'administrator', topology);
  expect((await management('users/topology', former, undefined, 'DELETE')).ok).toBe(true);

  const urls = [cluster.brokers[0]?.managementUrl ?? ''];
  await declareBrokers({ urls, ...membersOf(description), brokers: 1, forServices: true, secrets });
  const declared = brokerUsersOf(membersOf(description));
  const tags = { topology: ['administrator'], operator: ['monitoring'] };
  const users = JSON.parse((await management('users', topology)).text) as { name: string; tags: string[] }[];
  expect(Object.fromEntries(users.map((each) => [each.name, each.tags]))).toEqual({
    ...Object.fromEntries(declared.map((name) => [name, []])),
    ...tags,
    // An operator has made this user.
    somebody: [],
  });
  const limits = JSON.parse((await management('user-limits', topology)).text) as { user: string; value: object }[];
  expect(Object.fromEntries(limits.map(({ user, value }) => [user, value]))).toEqual(
    Object.fromEntries(
      declared.map((user) => {
        const { connections, channels } = limitsOf(user);
        return [user, { 'max-connections': connections, 'max-channels': channels }];
      }),
    ),
  );
  expect((await management('users/somebody', topology, undefined, 'DELETE')).ok).toBe(true);
});

/** Gives the administrators of the servers new passwords, as a rotation that ends before it stores them. */
async function interruptRotations(): Promise<void> {
  const [node] = cluster.groups[0]?.nodes ?? [];
  if (node === undefined) throw new Error('there is no node');
  const superuser = cluster.system.databaseLogin('postgres');
  const postgres = await announcePassword(dataDir, { server: 'database', name: 'postgres' });
  await setPassword({ node, superuser, role: 'postgres', password: postgres });
  const administrator = { url: cluster.brokers[0]?.managementUrl ?? '', ...cluster.system.brokerLogin('topology') };
  const topology = await announcePassword(dataDir, { server: 'broker', name: 'topology' });
  await setUserPassword(administrator, 'topology', topology);
  expect((await management('whoami', cluster.system.brokerLogin('topology'))).status).toBe(401);
  await expect(onPrimary('SELECT 1')).rejects.toThrow(/password authentication failed/);
}

// The next start also repairs the passwords that an interrupted rotation has changed at the servers only.
test('a stop leaves no process and no port, and the next start has the data', async () => {
  await onPrimary(`INSERT INTO eco.setting (name, value) VALUES ('kept', 'yes')`);
  const message = {
    routing_key: 'orders.g1',
    payload: 'kept',
    payload_encoding: 'string',
    properties: { delivery_mode: 2 },
  };
  // After a broker's restart a quorum queue may have no leader, and it refuses messages until it has one again.
  const routed = async () => {
    const published = await management(
      'exchanges/ecomarket/ecomarket.commands/publish',
      cluster.system.brokerLogin('topology'),
      message,
    );
    if (published.text !== '{"routed":true}') throw new Error(`${published.status} ${published.text}`);
    return true;
  };
  await eventually('the queue to take a message', routed, { deadlineMs: 60_000 });

  await interruptRotations();
  const pids = cluster.processes.map(({ pid }) => pid);
  const ports = portsOf(cluster.layout).map(({ port }) => port);
  const { password } = cluster.system.brokerLogin('topology');
  await Promise.all([cluster.stop(), cluster.stop()]);
  expect(pids.filter((pid) => startOf(pid) !== undefined)).toEqual([]);
  for (const port of ports) expect([port, await isFree(port)]).toEqual([port, true]);

  await start();
  expect(cluster.system.brokerLogin('topology').password).toBe(password);
  expect(await onPrimary(`SELECT value FROM eco.setting WHERE name = 'kept'`)).toEqual([{ value: 'yes' }]);
  const get = { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' };
  const got = await management('queues/ecomarket/orders.g1/get', cluster.system.brokerLogin('topology'), get);
  expect(JSON.parse(got.text)).toEqual([expect.objectContaining({ payload: 'kept' })]);
}, 180_000);

test('a start whose replicas have data and whose primary has none is refused, and creates no database', async () => {
  const empty = mkdtempSync(path.join(os.tmpdir(), 'eco-native-'));
  await openDataFolder(empty);
  const group = path.join(empty, 'postgres', 'g1');
  mkdirSync(path.join(group, 'g1-2'), { recursive: true });
  writeFileSync(path.join(group, 'g1-2', 'standby.signal'), '');
  const alone = describeCluster({ ...description, brokers: 0, dataDir: empty });
  await expect(startNative(alone)).rejects.toThrow(
    `group g1 in ${group} has no primary, only its replicas g1-2: put back the folder of the primary`,
  );
  expect(existsSync(path.join(group, 'g1-1'))).toBe(false);
  rmSync(empty, { recursive: true });
});

test('a start can be interrupted, and leaves nothing', async () => {
  const other = describeCluster({ ...description, dataDir: mkdtempSync(path.join(os.tmpdir(), 'eco-native-')) });
  const short = await openCluster(other, { endWithUs: 'the cluster and its data' });
  const started = short.start();
  await eventually('a first process', () => short.processes.some(({ running }) => running));
  const stopped = short.stop();
  await expect(started).rejects.toThrow('the cluster is being stopped');
  await stopped;
  expect(short.processes.filter(({ running }) => running)).toEqual([]);
  await short.destroy();
}, 180_000);
