import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { SideConnection } from './side-connection.js';

let group: DatabaseGroup;
let connection: SideConnection;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
}, 180_000);
afterAll(() => group.stop());

const server = () => group.servers[0] as DatabaseGroup['servers'][number];

beforeEach(() => {
  const { host, port } = server();
  connection = new SideConnection({ host, port }, group.superuser, 'spec');
});
afterEach(() => connection.close());

async function backend(deadlineMs = 10_000): Promise<unknown> {
  const [row] = await connection.ask<{ pid: number }>('SELECT pg_backend_pid() AS pid', [], deadlineMs);
  return row?.pid;
}

it('keeps its connection to a slow server', async () => {
  const before = await backend();
  await server().pause();
  try {
    await expect(backend(300)).rejects.toThrow('no answer within 300 ms');
    await expect(backend(300)).rejects.toThrow('no answer within 300 ms');
  } finally {
    await server().resume();
  }
  expect(await backend()).toBe(before);
});

it('drops a connection that has been silent for too long', async () => {
  const before = await backend();
  await server().pause();
  try {
    const began = performance.now();
    await eventually('it has waited longer than a connection is given', async () => {
      await expect(backend(500)).rejects.toThrow('no answer');
      return performance.now() - began > 6_000;
    });
  } finally {
    await server().resume();
  }
  expect(await backend()).not.toBe(before);
});

it('opens a new connection when the server has ended it', async () => {
  const before = await backend();
  await group.asSuperuser('SELECT pg_terminate_backend($1)', [before]);
  const after = await eventually('a new connection', () => backend().catch(() => undefined));
  expect(after).not.toBe(before);
});

// A replica accepts a new password only once it has applied the change.
it('logs in with the former password while the server refuses the new one, and reads both at each connection', async () => {
  const { user, password } = group.superuser;
  let present = ['a new password', password];
  const { host, port } = server();
  const rotating = new SideConnection({ host, port }, { user, password: () => present }, 'spec');
  expect(await rotating.ask('SELECT 1 AS one', [], 10_000)).toEqual([{ one: 1 }]);
  rotating.close();
  present = [password];
  expect(await rotating.ask('SELECT 1 AS one', [], 10_000)).toEqual([{ one: 1 }]);
  rotating.close();
  present = ['a new password', 'another one'];
  await expect(rotating.ask('SELECT 1', [], 10_000)).rejects.toThrow('password authentication failed');
});

it('continues after a query that the server rejects', async () => {
  const before = await backend();
  await expect(connection.ask('SELECT nothing_of_that_name')).rejects.toThrow('does not exist');
  expect(await backend()).toBe(before);
});
