import { QueryFailedError } from 'typeorm';
import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { ConsumerStore, type NodeWithRole } from './consumer-store.js';
import { UnavailableError } from './unavailable.js';

/* A store on a primary with a replica, and on nodes whose roles have changed. */

let group: DatabaseGroup;
let primary: NodeWithRole;
let replica: NodeWithRole;
const NOWHERE: NodeWithRole = { node: { host: '127.0.0.1', port: 1 }, role: 'primary' };

let nodes: readonly NodeWithRole[];
let store: ConsumerStore;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 1 });
  const [first, second] = group.servers as [DatabaseGroup['servers'][number], DatabaseGroup['servers'][number]];
  primary = { node: { host: first.host, port: first.port }, role: 'primary' };
  replica = { node: { host: second.host, port: second.port }, role: 'replica' };
  store = new ConsumerStore({
    consumer: { schema: 'central', entities: [] },
    nodes: () => nodes,
    password: group.login('eco_central').password,
    applicationName: 'spec',
  });
}, 120_000);
beforeEach(() => (nodes = [replica, primary]));
afterAll(async () => {
  await store?.close();
  await group?.stop();
});

const topic = { groupId: 'g1', topic: 'customers' };
const start = { term: 0, tag: '', seq: 0, n: null };

/** Ends the store's connections, as a crash of the server does. */
const endConnections = () =>
  group.asSuperuser(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'eco_central'`);

it('throws a wrong statement as it is, also when it reads, and serves the next one', async () => {
  const wrong = store.write((manager) => manager.query('SELECT nothing FROM nowhere'));
  await expect(wrong).rejects.toThrow(QueryFailedError);
  await expect(wrong).rejects.not.toBeInstanceOf(UnavailableError);
  await expect(store.read((manager) => manager.query('SELECT nothing FROM nowhere'))).rejects.toThrow(QueryFailedError);
  expect(await store.applied('g1', 'customers')).toEqual(start);
});

it('throws an error of a consumer as it is, and applies nothing', async () => {
  const to = { term: 1, tag: 'a', seq: 7, n: null };
  const failing = store.advance({ ...topic, from: start, to }, async () => {
    throw new TypeError('a bug');
  });
  await expect(failing).rejects.toThrow(TypeError);
  expect(await store.applied('g1', 'customers')).toEqual(start);
});

it('reports a value as bad when every node refuses it', async () => {
  const read = await store.read((manager) => manager.query('SELECT $1::uuid', ['no uuid']));
  expect(read).toEqual({ type: 'bad-value', reason: expect.stringContaining('uuid') as string });
});

it('is unavailable while no node is primary, or the primary has become a replica, and reads go on', async () => {
  const write = () => store.advance({ ...topic, from: start, to: { ...start, seq: 1 } }, async () => undefined);
  nodes = [replica];
  await expect(write()).rejects.toThrow(UnavailableError);
  nodes = [{ ...replica, role: 'primary' }];
  await expect(write()).rejects.toThrow(UnavailableError);
  nodes = [NOWHERE];
  await expect(write()).rejects.toThrow(UnavailableError);
  expect(await store.read(async () => 1)).toMatchObject({ type: 'no-node' });
  nodes = [replica, NOWHERE];
  expect(await store.read(async () => 1)).toMatchObject({ type: 'rows', rows: 1, role: 'replica', progress: [] });
});

it('is unavailable to callers whose connection broke, and works again at once', async () => {
  const work = store.write(async (manager) => {
    await endConnections();
    return manager.query<unknown>('SELECT 1');
  });
  await expect(work).rejects.toThrow(UnavailableError);
  expect(await store.applied('g1', 'customers')).toEqual(start);
});

it('lets other callers finish over their connections when one connection broke', async () => {
  let finish: () => void = () => undefined;
  const isDue = new Promise<void>((resolve) => (finish = resolve));
  let isRunning = false;
  const other = store.write(async (manager) => {
    isRunning = true;
    await isDue;
    return manager.query<{ one: number }[]>('SELECT 1 AS one');
  });
  await eventually('the other has its connection', () => isRunning);
  const broken = store.write(async (manager) => {
    const [own] = await manager.query<{ pid: number }[]>('SELECT pg_backend_pid() AS pid');
    await group.asSuperuser('SELECT pg_terminate_backend($1)', [own?.pid]);
    return manager.query<unknown>('SELECT 1');
  });
  await expect(broken).rejects.toThrow(UnavailableError);
  finish();
  expect(await other).toEqual([{ one: 1 }]);
});
