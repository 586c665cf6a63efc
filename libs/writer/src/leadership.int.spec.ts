import type { Log } from '@eco/base';
import { SideConnection } from '@eco/postgres';
import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { Leadership, type LeaderLoop } from './leadership.js';

const ANSWER_MS = 30_000;
const ignore = () => undefined;
const log: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, isLevelEnabled: () => false };

/** Leads without deciding anything. */
const idle: LeaderLoop = {
  lead: (_session, _term, stop) =>
    new Promise((resolve) => stop.addEventListener('abort', () => resolve({ type: 'stopped' }))),
  waitedMs: 0,
  suspectTries: 0,
  obstacle: undefined,
  openTryOf: undefined,
  tryWithdrawn: ignore,
};

let group: DatabaseGroup;

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
}, 120_000);
afterAll(() => group.stop());

it('is not ready while another session holds the lock and gives no sign, and leads when the lock is free', async () => {
  const [server] = group.servers as [DatabaseGroup['servers'][number]];
  // Of EcoMarket's roles only the writer's can take the lock.
  const holder = new SideConnection({ host: server.host, port: server.port }, group.superuser, 'spec');
  await holder.ask('SELECT pg_advisory_lock($1)', [0x0ec0], ANSWER_MS);
  const leadership = new Leadership({ writer: idle, nodes: group.servers, login: group.login('eco_writer'), log });
  leadership.start();
  try {
    await eventually('it is a standby', () => leadership.obstacle === undefined && leadership.role === 'standby');
    await eventually('it says that nobody leads', () => /^nobody leads: .* \d+ s/.test(leadership.obstacle ?? ''));
    await holder.ask('SELECT pg_advisory_unlock($1)', [0x0ec0], ANSWER_MS);
    await eventually('it leads', () => leadership.role === 'active');
    expect(leadership.obstacle).toBeUndefined();
  } finally {
    await leadership.stop();
    holder.close();
  }
}, 180_000);
