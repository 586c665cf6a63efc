import { chown, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sleep } from '@eco/base';
import { askNodes, primaryOf, SideConnection } from '@eco/postgres';
import { eventually, startTestCluster, type TestCluster } from '@eco/testing';
import { askControl } from '../control.js';
import { readRun } from '../run-file.js';
import type { RunningDatabase } from '../running-cluster.js';

/*
 * A group whose primary is lost in several ways, while a client commits rows as fast as it can. Every acknowledged row
 * must be there afterwards, and all nodes must stream again.
 */

let cluster: TestCluster;
const said: string[] = [];

beforeAll(async () => {
  cluster = await startTestCluster({
    brokers: 0,
    services: false,
    groups: [{ id: 'g1', replicas: 2 }],
    // Longer than a stop and a kill take, so that a failover is still refused then.
    replicaAwaySeconds: 10,
  });
  await cluster.supervise((line) => said.push(line));
}, 180_000);
afterAll(() => cluster?.destroy(), 120_000);

const nodes = () => (cluster.groups[0] as TestCluster['groups'][number]).nodes;

async function primary(): Promise<RunningDatabase> {
  return eventually('a primary', async () => {
    const found = primaryOf(await askNodes(nodes(), cluster.system.databaseLogin('eco_reader'), 2000))?.node;
    return nodes().find(({ port }) => port === found?.port);
  });
}

async function sql<R extends Record<string, unknown>>(on: RunningDatabase, text: string, values: unknown[] = []) {
  using connection = new SideConnection(on, cluster.system.databaseLogin('postgres'), 'failover test');
  return await connection.ask<R>(text, values, 30_000);
}

/** A client that commits one row after the other at whichever node says that it is primary. */
class Client {
  readonly acknowledged: string[] = [];
  longestGapMs = 0;
  #lastAt = performance.now();
  #isEnded = false;
  readonly #done: Promise<void>;

  constructor(readonly name: string) {
    this.#done = this.#run();
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    const connections = nodes().map(
      (node) => new SideConnection(node, cluster.system.databaseLogin('postgres'), 'failover client'),
    );
    for (let row = 0; !this.#isEnded; row += 1) {
      const id = `${this.name} ${row}`;
      const commits = connections.map((connection) =>
        connection.ask(
          `INSERT INTO eco.setting (name, value) SELECT $1, '' WHERE NOT pg_is_in_recovery() RETURNING name`,
          [id],
          1500,
        ),
      );
      const rows = await Promise.any(
        commits.map(async (commit) => {
          if ((await commit).length === 0) throw new Error('a replica');
          return true;
        }),
      ).catch(() => false);
      if (rows) this.#note(id);
      else await sleep(20);
    }
    connections.forEach((connection) => connection.close());
  }

  #note(id: string): void {
    this.acknowledged.push(id);
    this.longestGapMs = Math.max(this.longestGapMs, performance.now() - this.#lastAt);
    this.#lastAt = performance.now();
  }
}

async function untilAllStream(): Promise<void> {
  await eventually(
    'both replicas stream',
    async () => {
      const rows = await sql(
        await primary(),
        `SELECT FROM pg_stat_replication r WHERE r.state = 'streaming' AND r.sync_state = 'quorum'`,
      );
      if (rows.length !== 2) return false;
      // The watch must know it too. A replica of which it has seen no answer cannot take part in a failover.
      const { control = '' } = readRun(cluster.dataDir) ?? {};
      const refusal = await askControl(control, { type: 'failover', acceptLoss: false }).catch(String);
      return / or .* can replace it: use eco switchover/.test(refusal);
    },
    { deadlineMs: 120_000, pauseMs: 200 },
  );
}

const pidOf = (node: RunningDatabase) => {
  const { processes } = cluster as unknown as { processes: readonly { name: string; pid: number }[] };
  return processes.find(({ name }) => name === node.name)?.pid ?? 0;
};

const faults: [string, (lost: RunningDatabase) => unknown][] = [
  ['is killed', (lost) => lost.kill()],
  ['is killed by its first process alone', (lost) => process.kill(pidOf(lost), 'SIGKILL')],
  ['is frozen', (lost) => lost.pause()],
  ['is lost with its data', (lost) => lost.lose()],
];

it.each(faults)(
  'nothing acknowledged is lost when the primary %s, and all nodes stream again',
  async (name, fault) => {
    await untilAllStream();
    const lost = await primary();
    const client = new Client(name);
    try {
      await eventually('some rows', () => client.acknowledged.length > 50);
      await fault(lost);
      const at = client.acknowledged.length;
      await eventually('rows at another primary', () => client.acknowledged.length > at + 50);
      await untilAllStream();
    } finally {
      await client.end();
    }
    const now = await primary();
    expect(now.name).not.toBe(lost.name);
    const there = new Set(
      (await sql<{ name: string }>(now, 'SELECT s.name FROM eco.setting s')).map((row) => row.name),
    );
    expect(client.acknowledged.filter((id) => !there.has(id))).toEqual([]);
    process.stderr.write(
      `${name}: ${client.acknowledged.length} rows, longest gap ${Math.round(client.longestGapMs)} ms\n${said.splice(0).join('\n')}\n`,
    );
  },
  300_000,
);

it('a node that is killed during its promotion, and answers late, is the only primary', async () => {
  await untilAllStream();
  const lost = await primary();
  const replicas = nodes().filter((node) => node !== lost);
  const client = new Client('promotion');
  try {
    await eventually('some rows', () => client.acknowledged.length > 50);
    const begun = untilPromoted(replicas);
    await lost.kill();
    const promoted = await begun;
    await promoted.kill();
    await eventually('the node runs again', () => sql(promoted, 'SELECT 1'));
    await promoted.pause();
    // Longer than several looks of the watch.
    const pausedAt = performance.now();
    await eventually('the pause to have lasted', () => performance.now() - pausedAt > 3000);
    await promoted.resume();
    const at = client.acknowledged.length;
    await eventually('rows at a primary', () => client.acknowledged.length > at + 50);
    await untilAllStream();
  } finally {
    await client.end();
  }
  const there = new Set(
    (await sql<{ name: string }>(await primary(), 'SELECT s.name FROM eco.setting s')).map((row) => row.name),
  );
  expect(client.acknowledged.filter((id) => !there.has(id))).toEqual([]);
  // A detached replica replays for up to 60 s. Nobody waits so long for a node that is a primary.
  expect(said.join('\n')).not.toMatch(/did not replay its log/);
  process.stderr.write(`promotion: longest gap ${Math.round(client.longestGapMs)} ms\n${said.splice(0).join('\n')}\n`);
}, 300_000);

/** Resolves with the replica whose promotion has begun. */
async function untilPromoted(replicas: readonly RunningDatabase[]): Promise<RunningDatabase> {
  const connections = replicas.map(
    (node) => new SideConnection(node, cluster.system.databaseLogin('postgres'), 'failover test'),
  );
  const begun = `SELECT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid()
    AND a.state = 'active' AND a.query LIKE '%pg_promote%') OR NOT pg_is_in_recovery() AS begun`;
  try {
    return await eventually(
      'a promotion has begun',
      async () => {
        const rows = await Promise.all(connections.map((each) => each.ask<{ begun: boolean }>(begun, [], 5000)));
        return replicas.find((_, index) => rows[index]?.[0]?.begun === true);
      },
      { pauseMs: 2 },
    );
  } finally {
    connections.forEach((each) => each.close());
  }
}

it('the counting replicas shrink while one is away, a failover then needs only the other one, and they widen again', async () => {
  await untilAllStream();
  const lost = await primary();
  const [away, stays] = nodes().filter((node) => node !== lost) as [RunningDatabase, RunningDatabase];
  const client = new Client('shrink');
  try {
    await away.stop();
    const counting = () => sql<{ value: string }>(stays, `SELECT value FROM eco.setting WHERE name = 'counting-nodes'`);
    await eventually('only one replica counts', async () => (await counting())[0]?.value.includes(stays.name));
    await lost.lose();
    const at = client.acknowledged.length;
    await eventually('rows at the other node', () => client.acknowledged.length > at + 50);
    expect((await primary()).name).toBe(stays.name);
    await away.start();
    await untilAllStream();
    await eventually('every replica counts', async () => (await counting()).length === 0);
  } finally {
    await client.end();
  }
  const there = new Set(
    (await sql<{ name: string }>(stays, 'SELECT s.name FROM eco.setting s')).map((row) => row.name),
  );
  expect(client.acknowledged.filter((id) => !there.has(id))).toEqual([]);
  process.stderr.write(`shrink: longest gap ${Math.round(client.longestGapMs)} ms\n${said.splice(0).join('\n')}\n`);
}, 300_000);

it('a replica whose promotion was cut short, without a new number of its timeline, is copied', async () => {
  const now = await primary();
  const replica = nodes().find(({ name }) => name !== now.name) as RunningDatabase;
  const [at] = await sql<{ timeline: number; lsn: string; folder: string }>(
    replica,
    `SELECT c.timeline_id AS timeline, pg_last_wal_replay_lsn()::text AS lsn, current_setting('data_directory') AS folder
     FROM pg_control_checkpoint() c`,
  );
  if (at === undefined) throw new Error(`${replica.name} did not say where it is`);
  // A promotion begins with this file. The replica then waits for log of the new timeline, which nobody has.
  const file = (timeline: number) =>
    path.join(at.folder, 'pg_wal', `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`);
  const before = await readFile(file(at.timeline), 'utf8').catch(() => '');
  await writeFile(file(at.timeline + 1), `${before}${at.timeline}\t${at.lsn}\tcut short\n`);
  const { uid, gid } = await stat(at.folder);
  await chown(file(at.timeline + 1), uid, gid);
  await replica.kill();
  await sql(now, `INSERT INTO eco.setting (name, value) VALUES ('after a cut-short promotion', '')`);
  await untilAllStream();
  const rows = await sql(replica, `SELECT FROM eco.setting WHERE name = 'after a cut-short promotion'`);
  expect(rows).toHaveLength(1);
  expect((await primary()).name).toBe(now.name);
}, 180_000);

it('starts the old primary again if a replica that may have acknowledged is away', async () => {
  await untilAllStream();
  const lost = await primary();
  const [away] = nodes().filter((node) => node !== lost) as [RunningDatabase];
  const client = new Client('refused');
  try {
    await eventually('some rows', () => client.acknowledged.length > 50);
    await away.stop();
    await lost.kill();
    const at = client.acknowledged.length;
    await eventually('rows at the old primary', () => client.acknowledged.length > at + 50);
    expect((await primary()).name).toBe(lost.name);
    await away.start();
    await untilAllStream();
  } finally {
    await client.end();
  }
  process.stderr.write(`refused: longest gap ${Math.round(client.longestGapMs)} ms\n${said.splice(0).join('\n')}\n`);
}, 300_000);

it('a switchover loses nothing, both ways, and a replica can be copied again', async () => {
  await untilAllStream();
  const { control = '' } = readRun(cluster.dataDir) ?? {};
  const before = await primary();
  const [to, copied] = nodes().filter((node) => node !== before) as [RunningDatabase, RunningDatabase];
  const client = new Client('switchover');
  try {
    for (const node of [to, before]) {
      await eventually('some rows', () => client.acknowledged.length > 50);
      process.stderr.write(`${await askControl(control, { type: 'switchover', to: node.name })}\n`);
      expect((await primary()).name).toBe(node.name);
      await untilAllStream();
    }
    await expect(askControl(control, { type: 'switchover', to: before.name })).rejects.toThrow('primary of g1 already');
    await expect(askControl(control, { type: 'failover', acceptLoss: true })).rejects.toThrow('use eco switchover');
    await expect(askControl(control, { type: 'reinit', node: before.name })).rejects.toThrow('is the primary');
    await askControl(control, { type: 'reinit', node: copied.name });
    await untilAllStream();
  } finally {
    await client.end();
  }
  const there = new Set(
    (await sql<{ name: string }>(before, 'SELECT s.name FROM eco.setting s')).map((row) => row.name),
  );
  expect(client.acknowledged.filter((id) => !there.has(id))).toEqual([]);
  process.stderr.write(`switchover: longest gap ${Math.round(client.longestGapMs)} ms\n${said.splice(0).join('\n')}\n`);
}, 300_000);

it('names what is lost before it does a failover that loses it', async () => {
  await untilAllStream();
  const { control = '' } = readRun(cluster.dataDir) ?? {};
  const lost = await primary();
  const [away, stays] = nodes().filter((node) => node !== lost) as [RunningDatabase, RunningDatabase];
  await away.stop();
  await lost.lose();
  const risk = `decisions that ${away.name} and the lost primary alone have are lost`;
  // A busy replica may be silent for a moment, and is then not counted on.
  const refusal = () => askControl(control, { type: 'failover', acceptLoss: false }).catch(String);
  await eventually('the refusal names the risk', async () => (await refusal()).includes(risk));
  const done = await eventually('a failover', () => askControl(control, { type: 'failover', acceptLoss: true }));
  expect(done).toContain(risk);
  expect((await primary()).name).toBe(stays.name);
  await away.start();
  await untilAllStream();
  said.splice(0);
}, 300_000);

// The last one: the other tests log in as the superuser with the first password.
it('a rotation of the password that the watch uses is no loss, and a later loss is noticed', async () => {
  await untilAllStream();
  const lost = await primary();
  expect(await cluster.rotateSecret('database/postgres')).toContain('has a new password');
  expect((await primary()).name).toBe(lost.name);
  await lost.kill();
  await eventually('another primary', async () => (await primary()).name !== lost.name);
  await eventually('the old one follows', () => said.some((line) => line.startsWith(`${lost.name} follows`)), {
    deadlineMs: 120_000,
  });
  expect(said.filter((line) => line.startsWith('the primary'))).toEqual([
    `the primary ${lost.name} has ended; promoting a replica`,
  ]);
}, 300_000);
