import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SideConnection } from '@eco/postgres';
import { eventually } from '@eco/testing';
import type { Cluster } from '../cluster.js';
import { describeCluster } from '../description.js';
import { findOnPath } from '../programs.js';
import { readRun } from '../run-file.js';
import { openCluster } from '../start-native.js';
import { backUp, type BackupKind } from './back-up.js';
import { readBackups } from './backups.js';

/* Backups of a group by pgBackRest, with the servers that `npm start` uses. */

const folder = mkdtempSync(path.join(os.tmpdir(), 'eco-backup-'));
const [dataDir, backupsDir] = [path.join(folder, 'data'), path.join(folder, 'backups')];
const description = describeCluster({
  brokers: 0,
  groups: [{ id: 'g1', replicas: 1 }],
  services: false,
  dataDir,
  backupsDir,
  ports: { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, operators: 0 },
});

let cluster: Cluster;
let program: string;

beforeAll(async () => {
  cluster = await openCluster(description, { endWithUs: 'the cluster and its data' });
  await cluster.start();
  program = findOnPath('pgbackrest') ?? '';
}, 180_000);
afterAll(async () => {
  await cluster.destroy();
  rmSync(folder, { recursive: true });
}, 60_000);

async function onNode(index: number, sql: string): Promise<Record<string, unknown>[]> {
  const node = cluster.groups[0]?.nodes[index];
  if (!node) throw new Error('there is no such node');
  const { user, password } = cluster.system.databaseLogin('postgres');
  using connection = new SideConnection(node, { user, password }, 'test');
  return await connection.ask(sql, [], 30_000);
}

function makeBackup(kind: BackupKind) {
  const run = readRun(dataDir);
  if (run?.backupsDir === undefined) throw new Error('the run names no folder of backups');
  return backUp({ program, dataDir, run, backupsDir: run.backupsDir, kind });
}

/** True once the last segment that `node` has written is in the repository. */
async function untilArchived(node: number): Promise<void> {
  const [row] = await onNode(node, 'SELECT pg_walfile_name(pg_switch_wal()) AS segment');
  const segment = String(row?.['segment']);
  await eventually(`${segment} is archived`, async () => {
    const [group] = await readBackups(program, backupsDir);
    return (group?.lastSegment ?? '') >= segment;
  });
}

test('the first backup is full, and the next one has what changed since', async () => {
  const [first] = await makeBackup('diff');
  expect(first).toMatchObject({ groupId: 'g1', kind: 'full', position: { group: 'g1', seq: 0 } });
  const [second] = await makeBackup('diff');
  expect(second).toMatchObject({ kind: 'diff' });
  expect(second?.storedBytes).toBeLessThan(first?.storedBytes ?? 0);
  const [listed] = await readBackups(program, backupsDir);
  expect(listed?.backups.map(({ label }) => label)).toEqual([first?.label, second?.label]);
  expect(listed?.archivedAt?.getTime()).toBeGreaterThanOrEqual(second?.endedAt.getTime() ?? Infinity);
}, 60_000);

test('a promoted replica goes on with the archive and is backed up', async () => {
  await untilArchived(0);
  const [primary, replica] = cluster.groups[0]?.nodes ?? [];
  if (!primary || !replica) throw new Error('there is no replica');
  await primary.stop();
  await replica.promote();
  await onNode(1, `ALTER SYSTEM SET synchronous_standby_names = ''`);
  await onNode(1, 'SELECT pg_reload_conf()');
  await untilArchived(1);
  const [made] = await makeBackup('full');
  expect(made).toMatchObject({ kind: 'full' });
}, 120_000);
