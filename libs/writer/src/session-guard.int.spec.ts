import type { Log } from '@eco/base';
import { guardSql } from '@eco/database';
import { NodeRoles, SideConnection } from '@eco/postgres';
import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { readGauges } from './gauges.js';
import { sendHeartbeat, startTerm, tryToLead } from './leader-term.js';
import { SessionGuard } from './session-guard.js';
import { WriterSession } from './session.js';

const ANSWER_MS = 30_000;
const ignore = () => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, isLevelEnabled: () => false };

let group: DatabaseGroup;
const connections: SideConnection[] = [];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 1 });
  // The functions as a start makes them, with limits that a test can wait for.
  await group.asSuperuser(guardSql({ eco_reader: { connections: 1, transactionS: 1 } }));
}, 120_000);
afterAll(async () => {
  for (const connection of connections) connection.close();
  await group.stop();
});

const server = (index: number) => group.servers[index] as DatabaseGroup['servers'][number];

function connect(role: 'eco_reader' | 'eco_writer' | 'postgres', index = 0): SideConnection {
  const { host, port } = server(index);
  const login = role === 'postgres' ? group.superuser : group.login(role);
  const connection = new SideConnection({ host, port }, login, 'spec');
  connections.push(connection);
  return connection;
}

/** Lifts every limit of its role and holds a snapshot. */
async function holdSnapshot(connection: SideConnection): Promise<void> {
  const lift = ['statement_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout'];
  for (const name of lift) await connection.ask(`SET ${name} = 0`, [], ANSWER_MS);
  await connection.ask('BEGIN ISOLATION LEVEL REPEATABLE READ', [], ANSWER_MS);
  await connection.ask('SELECT FROM eco.group_state', [], ANSWER_MS);
}

it('ends a reader that lifts its limits, on the primary and on a replica, while the writer keeps the leadership', async () => {
  const { host, port } = server(0);
  const session = await WriterSession.open({ host, port }, group.login('eco_writer'));
  expect(await tryToLead(session)).toBe(true);
  const leaderTerm = await startTerm(session);
  const superuser = connect('postgres');
  await holdSnapshot(superuser);
  await holdSnapshot(connect('eco_reader', 0));
  await holdSnapshot(connect('eco_reader', 1));

  const nodes = new NodeRoles(group.servers, group.login('eco_writer'));
  const guard = new SessionGuard({ nodes: () => nodes.connections, log });
  guard.start();
  try {
    await eventually('both readers are ended', async () => {
      expect(await sendHeartbeat(session, leaderTerm)).toBeUndefined();
      return guard.ended.get('eco_reader') === 2;
    });
  } finally {
    await guard.stop();
    nodes.close();
  }
  for (const index of [0, 1]) {
    const open = await connect('postgres', index).ask(
      `SELECT FROM pg_stat_activity WHERE usename = 'eco_reader' AND xact_start IS NOT NULL`,
      [],
      ANSWER_MS,
    );
    expect(open).toEqual([]);
  }
  // A superuser's session is never ended.
  expect(await superuser.ask('SELECT 1 AS one', [], ANSWER_MS)).toEqual([{ one: 1 }]);
  await superuser.ask('COMMIT', [], ANSWER_MS);
  expect(await sendHeartbeat(session, leaderTerm)).toBeUndefined();
  await session.close();
});

it('leaves a transaction within its limit', async () => {
  await group.asSuperuser(guardSql());
  const reader = connect('eco_reader');
  await holdSnapshot(reader);
  const writer = connect('eco_writer');
  expect(await writer.ask('SELECT FROM eco_guard.end_long_transactions()', [], ANSWER_MS)).toEqual([]);
  await reader.ask('COMMIT', [], ANSWER_MS);
});

it('shows the writer the age of the oldest snapshot of every role', async () => {
  const reader = connect('eco_reader');
  await holdSnapshot(reader);
  for (let n = 0; n < 3; n += 1) await group.asSuperuser('SELECT pg_current_xact_id()');
  expect((await readGauges(connect('eco_writer'))).oldestXminAge).toBeGreaterThanOrEqual(3);
  await reader.ask('COMMIT', [], ANSWER_MS);
});
