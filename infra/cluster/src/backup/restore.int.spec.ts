import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SideConnection } from '@eco/postgres';
import { eventually } from '@eco/testing';
import { Cluster } from '../cluster.js';
import { describeCluster } from '../description.js';
import { ensurePrograms } from '../install.js';
import { readRun } from '../run-file.js';
import { openCluster } from '../start-native.js';
import { backUp } from './back-up.js';
import { readBackups } from './backups.js';
import { restore } from './restore.js';
import { targetOf } from './restore-target.js';

/* Restores of a group, with the servers that `npm start` uses. Batches are written as a writer does. */

const TAG = 'aaaaaaaa';
const folder = mkdtempSync(path.join(os.tmpdir(), 'eco-restore-'));
const [dataDir, newDir, backupsDir] = ['data', 'new', 'backups'].map((name) => path.join(folder, name)) as [
  string,
  string,
  string,
];
const describe = (dir: string) =>
  describeCluster({
    brokers: 0,
    groups: [{ id: 'g1', replicas: 0 }],
    services: false,
    dataDir: dir,
    backupsDir,
    ports: { amqp: 0, management: 0, erlang: 0, postgres: 0, central: 0, sucursal: 0, read: 0, operators: 0 },
  });

const clusters: Cluster[] = [];
let programs: { postgresDir: string; pgbackrest: string };
/** After batch 3, before batch 4. */
let time: Date;
/** What a restore said while the system ran. */
let refusal: string;

async function startCluster(dir: string): Promise<Cluster> {
  const cluster = await openCluster(describe(dir), { endWithUs: 'the cluster' });
  clusters.push(cluster);
  await cluster.start();
  return cluster;
}

async function ask(cluster: Cluster, sql: string): Promise<Record<string, unknown>[]> {
  const node = cluster.groups[0]?.nodes[0];
  if (!node) throw new Error('there is no node');
  const { user, password } = cluster.system.databaseLogin('postgres');
  using connection = new SideConnection(node, { user, password }, 'test');
  return await connection.ask(sql, [], 30_000);
}

/** One transaction that stores a batch. `also`: more of it. */
function batchSql(number: number, also = ''): string {
  return `
    DO $$ BEGIN
      PERFORM eco_guard.note_position(1, '${TAG}', f.seq) FROM eco.fence(1, '${TAG}', 0) f;
      INSERT INTO eco.probe VALUES (${number});
      ${also}
    END $$`;
}

beforeAll(async () => {
  const { postgresDir, pgbackrest = '' } = await ensurePrograms(() => undefined, { backups: true });
  programs = { postgresDir, pgbackrest };
  const cluster = await startCluster(dataDir);
  await ask(cluster, 'CREATE TABLE eco.probe (n integer)');
  await ask(cluster, `UPDATE eco.group_state SET leader_tag = '${TAG}'`);
  await ask(cluster, batchSql(1));
  const run = readRun(dataDir);
  if (run === undefined) throw new Error('nothing runs');
  await backUp({ program: pgbackrest, dataDir, run, backupsDir, kind: 'full' });
  await ask(cluster, batchSql(2));
  // A writer tries a batch again under the same number; the log has a note of both.
  await expect(ask(cluster, batchSql(3, 'PERFORM 1 / 0;'))).rejects.toThrow('division by zero');
  await ask(cluster, batchSql(3));
  time = (await ask(cluster, 'SELECT clock_timestamp() AS now'))[0]?.['now'] as Date;
  // PostgreSQL compares with the time of a commit, and JavaScript has no microseconds.
  await eventually('the clock goes on', async () => {
    const [row] = await ask(cluster, 'SELECT clock_timestamp() AS now');
    return (row?.['now'] as Date) > time;
  });
  await ask(cluster, batchSql(4));
  refusal = await restoreTo('end', dataDir).then(
    () => 'none',
    (error: Error) => error.message,
  );
  // A server that stops stores the rest of its log.
  await cluster.stop();
}, 300_000);
afterAll(async () => {
  for (const cluster of clusters) await cluster.destroy();
  rmSync(folder, { recursive: true, force: true });
}, 120_000);

function restoreTo(to: string, dir: string) {
  return restore({ programs, dataDir: dir, backupsDir, target: targetOf(to), say: () => undefined });
}

const at = (seq: number) => ({ groups: [{ groupId: 'g1', position: { group: 'g1', term: 1, tag: TAG, seq } }] });

test('nothing is restored while the system runs', () => {
  expect(refusal).toContain('stop it by "npm run down"');
});

test('a time or the end of the log is restored into a stopped data folder', async () => {
  expect(await restoreTo('end', dataDir)).toMatchObject(at(4));
  const { groups, formerDir = '' } = await restoreTo(time.toISOString(), dataDir);
  expect(groups).toMatchObject(at(3).groups);
  expect(readdirSync(path.join(formerDir, 'g1'))).toEqual(['g1-1']);
}, 240_000);

test('a position is restored into a new data folder, where a start continues with a new timeline', async () => {
  expect(await restoreTo(`g1=1.${TAG}.3`, newDir)).toMatchObject({ ...at(3), formerDir: undefined });
  const cluster = await startCluster(newDir);
  expect(await ask(cluster, 'SELECT n FROM eco.probe ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(await ask(cluster, 'SELECT branch_id FROM eco.awaited_branch')).toEqual([{ branch_id: 'sucursal-1' }]);
  await eventually('the new timeline is archived', async () => {
    await ask(cluster, 'SELECT pg_switch_wal()');
    const [group] = await readBackups(programs.pgbackrest, backupsDir);
    return group?.lastSegment?.startsWith('00000002') ?? false;
  });
  await cluster.stop();
}, 240_000);

test('the position of a backup can be restored although no batch followed it', async () => {
  expect(await restoreTo(`g1=1.${TAG}.1`, newDir)).toMatchObject(at(1));
}, 120_000);

test('what the archive lacks is refused, and the data folder stays as it was', async () => {
  const before = readdirSync(path.join(newDir, 'postgres', 'g1'));
  await expect(restoreTo(`g1=1.${TAG}.9`, newDir)).rejects.toThrow(`does not have g1=1.${TAG}.9`);
  await expect(restoreTo('2020-01-01T00:00:00Z', newDir)).rejects.toThrow('the first backup of group g1 is later');
  expect(readdirSync(path.join(newDir, 'postgres', 'g1'))).toEqual(expect.arrayContaining(before));
  expect(existsSync(path.join(newDir, 'postgres', 'g1', 'g1-1', 'recovery.signal'))).toBe(false);
}, 240_000);
