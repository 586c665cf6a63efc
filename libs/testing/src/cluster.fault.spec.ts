import net from 'node:net';
import {
  askManagement,
  BrokerConnection,
  checkTopology,
  CommandPublisher,
  type Management,
  type ManagementAnswer,
  type PublishOutcome,
} from '@eco/broker';
import type { Login } from '@eco/base';
import { brokerUsersOf } from '@eco/contracts';
import type { RunningBroker, RunningDatabase } from '@eco/cluster';
import { loginRoles, ReplicationWatch } from '@eco/database';
import { SideConnection } from '@eco/postgres';
import { commandOf } from './batch-writer.js';
import { brokerView, untilBrokersAreWhole } from './brokers-are-whole.js';
import { eventually } from './eventually.js';
import { startTestCluster, type TestCluster } from './test-cluster.js';
import { suiteProvider } from './test-provider.js';

/*
 * The contract of every cluster provider: the description is what runs, and each fault has its effect and heals. The
 * same tests run for processes and containers, so suites built on them need not know which they use. Each test restores
 * the cluster, except the last one, after which another node is primary.
 */

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ faults: true, services: false }, { provider: await suiteProvider() });
}, 600_000);
afterAll(() => cluster?.destroy(), 120_000);

const broker = (number: number) => cluster.brokers[number - 1] as RunningBroker;
const nodes = () => (cluster.groups[0] as TestCluster['groups'][number]).nodes;
const node = (number: number) => nodes()[number - 1] as RunningDatabase;
const managementOf = (one: RunningBroker): Management => ({
  url: one.managementUrl,
  ...cluster.brokerLogin('topology'),
});

function ask(
  one: RunningBroker,
  path: string,
  { login = cluster.brokerLogin('topology'), deadlineMs = 5000 }: { login?: Login; deadlineMs?: number } = {},
): Promise<ManagementAnswer> {
  return askManagement({ url: one.managementUrl, ...login }, `/api/${path}`, { deadlineMs });
}

const viewOf = (one: RunningBroker) => brokerView(one, cluster.brokerLogin('operator'));
const untilWhole = (returned?: RunningBroker) =>
  untilBrokersAreWhole({ brokers: cluster.brokers, operator: cluster.brokerLogin('operator') }, returned);

async function untilSeenAway(away: RunningBroker, by: RunningBroker): Promise<void> {
  await eventually(
    `${by.name} sees that ${away.name} is away`,
    async () => (await viewOf(by)).some(({ name, running }) => name === away.erlangName && !running),
    { pauseMs: 250 },
  );
}

type Publish = () => Promise<PublishOutcome>;

/** Gives a channel that publishes through one broker. */
async function publishing<T>(one: RunningBroker, action: (publish: Publish) => Promise<T>): Promise<T> {
  const access = { brokers: [{ host: one.host, port: one.amqpPort }], ...cluster.brokerLogin('central') };
  const connection = new BrokerConnection({ access, name: 'contract' });
  const publisher = new CommandPublisher({ connection, groupOf: () => 'g1', deadlineMs: 5000 });
  connection.start();
  publisher.start();
  try {
    await eventually('a channel', () => {
      if (publisher.obstacle === undefined || connection.state.type === 'blocked') return true;
      throw new Error(publisher.obstacle);
    });
    return await action(() =>
      publisher.publish(commandOf('cart.checkout', { customerId: 'ana', orderId: '0' } as never)),
    );
  } finally {
    await publisher.stop();
    await connection.stop();
  }
}

/** Publishes through one broker; returns the result. */
const publishThrough = async (one: RunningBroker) => (await publishing(one, (publish) => publish())).type;

/** A broker reports its alarm to connections that publish, so the first message of a connection shows nothing. */
const untilHeldUpThrough = (one: RunningBroker) =>
  publishing(one, (publish) =>
    eventually(`a message through ${one.name} is held up`, async () => {
      const outcome = await publish();
      if (outcome.type === 'full' && outcome.reason === 'blocked') return true;
      throw new Error(JSON.stringify(outcome));
    }),
  );

const untilConfirmedThrough = (one: RunningBroker) =>
  eventually(`a message is confirmed through ${one.name}`, async () => {
    const outcome = await publishThrough(one);
    if (outcome !== 'confirmed') throw new Error(outcome);
    return true;
  });

async function sql(on: RunningDatabase, text: string, deadlineMs = 10_000): Promise<Record<string, unknown>[]> {
  using connection = new SideConnection(
    { host: on.host, port: on.port },
    cluster.databaseLogin('postgres'),
    'contract',
  );
  return await connection.ask(text, [], deadlineMs);
}

async function streaming(): Promise<string[]> {
  const watch = new ReplicationWatch(nodes(), cluster.databaseLogin('eco_monitor'));
  try {
    return (await watch.look())
      .filter(({ seenByPrimary: seen }) => seen?.state === 'streaming' && seen.syncState === 'quorum')
      .map(({ name }) => name);
  } finally {
    watch.close();
  }
}

const untilBothStream = () =>
  eventually('both replicas stream', async () => (await streaming()).length === 2, { deadlineMs: 120_000 });

/** Returns the replica that has received more of the log of a failed primary. */
async function moreAdvanced(one: RunningDatabase, other: RunningDatabase): Promise<RunningDatabase> {
  const received = async (replica: RunningDatabase) => {
    const [row] = await sql(replica, `SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text AS place`);
    return BigInt(String(row?.['place']));
  };
  return (await received(one)) >= (await received(other)) ? one : other;
}

let written = 0;
/** Writes a row outside of any batch; settles when it commits. */
const write = () =>
  sql(node(1), `INSERT INTO eco.setting (name, value) VALUES ('contract ${++written}', 'x')`, 120_000);

/** A write whose commit is waiting for a replica. */
async function waitingWrite(): Promise<{ committed: Promise<unknown> }> {
  const committed = write();
  committed.catch(() => undefined);
  await eventually('a commit waits for a replica', async () => {
    const rows = await sql(node(1), `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`);
    return rows.length === 1;
  });
  return { committed };
}

describe('everything in the description exists:', () => {
  it('the brokers are one cluster, with the topology and the users, and nobody is guest', async () => {
    await untilWhole();
    for (const one of cluster.brokers) {
      expect(await checkTopology(managementOf(one), { groups: ['g1'], brokers: 3 })).toEqual([]);
      expect((await ask(one, 'whoami', { login: { user: 'guest', password: 'guest' } })).status).toBe(401);
    }
    const users = JSON.parse((await ask(broker(1), 'users')).text) as { name: string }[];
    expect(users.map(({ name }) => name).sort()).toEqual(
      brokerUsersOf({ branchIds: ['sucursal-1'], groupIds: ['g1'] }).sort(),
    );
    for (const one of cluster.brokers) await untilConfirmedThrough(one);
  });

  it('both replicas stream, and a commit waits for one of them', async () => {
    await untilBothStream();
    await write();
    for (const one of nodes()) {
      const rows = await sql(
        one,
        `SELECT name, setting FROM pg_settings WHERE name IN
         ('data_checksums', 'synchronous_standby_names', 'hot_standby_feedback', 'wal_sender_timeout', 'cluster_name')`,
      );
      expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
        cluster_name: one.name,
        data_checksums: 'on',
        hot_standby_feedback: 'on',
        synchronous_standby_names: 'ANY 1 ("g1-1", "g1-2", "g1-3")',
        wal_sender_timeout: '5000',
      });
    }
  });

  it('every account can log in with its password, and not without', async () => {
    for (const role of loginRoles.filter((each) => each !== 'eco_replicator')) {
      const { user, password } = cluster.databaseLogin(role);
      const good = new SideConnection(node(1), { user, password }, 'contract');
      const bad = new SideConnection(node(1), { user, password: 'wrong' }, 'contract');
      expect(await good.ask('SELECT session_user AS who', [], 5000)).toEqual([{ who: role }]);
      await expect(bad.ask('SELECT 1', [], 5000)).rejects.toThrow(/password authentication failed/);
      good.close();
      bad.close();
    }
  });
});

describe('a broker', () => {
  it('that is killed is gone, the majority continues, and a start brings it back', async () => {
    await broker(2).kill();
    expect(await broker(2).isRunning()).toBe(false);
    await untilSeenAway(broker(2), broker(1));
    await untilConfirmedThrough(broker(1));
    await broker(2).start();
    expect(await broker(2).isRunning()).toBe(true);
    await untilWhole();
    await untilConfirmedThrough(broker(2));
  }, 300_000);

  it('that stalls is given up by the others, and rejoins them when it continues', async () => {
    await broker(3).pause();
    await expect(ask(broker(3), 'whoami')).rejects.toThrow();
    await untilSeenAway(broker(3), broker(1));
    await untilConfirmedThrough(broker(1));
    await broker(3).resume();
    await untilWhole(broker(3));
    await untilConfirmedThrough(broker(3));
  }, 300_000);

  it('that is cut off neither receives nor sends, even in an open connection', async () => {
    const one = broker(2);
    const received: string[] = [];
    const socket = net.connect({ host: one.host, port: one.amqpPort });
    socket
      .on('data', () => received.push('data'))
      .on('error', () => received.push('error'))
      .on('close', () => received.push('close'));
    await eventually('a connection', () => !socket.connecting);
    await one.cutOff();
    socket.write('AMQP\x00\x00\x09\x01');
    // The cut is short: a broker allows 10 s for the handshake, and TCP retransmits at ever longer intervals.
    await expect(ask(one, 'whoami', { deadlineMs: 2000 })).rejects.toThrow();
    expect(received).toEqual([]);
    await one.reconnect();
    // TCP retransmits the packets that were sent meanwhile.
    await eventually('the answer', () => received[0] === 'data');
    socket.destroy();
    await untilWhole(one);
  }, 300_000);

  // The other brokers notice the cut after net_ticktime, and the cut-off one gives up as long after that. A broker that
  // returns must rejoin.
  it.each([
    ['as soon as the others noticed', 0],
    ['long after both sides did', 30_000],
  ])(
    'that is cut off from the others is one of them again: reconnected %s',
    async (_when, cutMs) => {
      const one = broker(3);
      const cutAtMs = performance.now();
      await one.cutOff();
      await untilSeenAway(one, broker(1));
      await eventually('the cut to have lasted', () => performance.now() - cutAtMs > cutMs);
      await untilConfirmedThrough(broker(1));
      await one.reconnect();
      await untilWhole(one);
      await untilConfirmedThrough(one);
    },
    300_000,
  );

  it('whose memory is used up blocks publishers on every broker', async () => {
    await broker(1).raiseMemoryAlarm();
    await eventually('the alarm', async () => (await viewOf(broker(2))).some((each) => each.mem_alarm));
    await untilHeldUpThrough(broker(2));
    await broker(1).clearMemoryAlarm();
    await untilConfirmedThrough(broker(2));
  }, 300_000);

  it('whose disk is full blocks publishers until there is room', async () => {
    await broker(1).fillDisk();
    await eventually('the alarm', async () => (await viewOf(broker(2))).some((each) => each.disk_free_alarm));
    await untilHeldUpThrough(broker(2));
    await broker(1).freeDisk();
    await untilConfirmedThrough(broker(2));
    await untilWhole(broker(1));
  }, 300_000);
});

describe('a database', () => {
  it('that is killed comes back by a start, with everything committed', async () => {
    await write();
    await node(1).kill();
    expect(await node(1).isRunning()).toBe(false);
    await expect(sql(node(1), 'SELECT 1')).rejects.toThrow();
    await node(1).start();
    expect(await sql(node(1), `SELECT FROM eco.setting WHERE name = 'contract ${written}'`)).toHaveLength(1);
    await untilBothStream();
  }, 300_000);

  it.each([
    ['stall', (one: RunningDatabase) => one.pause(), (one: RunningDatabase) => one.resume()],
    ['are cut off', (one: RunningDatabase) => one.cutOff(), (one: RunningDatabase) => one.reconnect()],
    ['are killed', (one: RunningDatabase) => one.kill(), (one: RunningDatabase) => one.start()],
  ])(
    'commits nothing while both replicas %s, and commits when one is back',
    async (_what, fault, heal) => {
      await Promise.all([fault(node(2)), fault(node(3))]);
      const { committed } = await waitingWrite();
      await heal(node(3));
      await committed;
      await heal(node(2));
      await untilBothStream();
    },
    300_000,
  );

  it('that is cut off does not answer, and answers once reconnected', async () => {
    await node(1).cutOff();
    await expect(sql(node(1), 'SELECT 1', 2000)).rejects.toThrow();
    await node(1).reconnect();
    await eventually('the primary answers', () => sql(node(1), 'SELECT 1'));
    await untilBothStream();
  }, 300_000);

  it('whose disk is full accepts nothing, and accepts writes when there is room, with everything committed', async () => {
    await write();
    const committed = written;
    await node(1).fillDisk();
    const fill = `CREATE TABLE IF NOT EXISTS public.filling (text text);
                  INSERT INTO public.filling SELECT repeat(md5(n::text), 100) FROM generate_series(1, 100000) AS n`;
    await expect(sql(node(1), fill, 60_000)).rejects.toThrow();
    await node(1).freeDisk();
    // Without room for its log a server may have ended.
    if (!(await node(1).isRunning())) await node(1).start();
    await eventually('a write', write);
    expect(await sql(node(1), `SELECT FROM eco.setting WHERE name = 'contract ${committed}'`)).toHaveLength(1);
    await untilBothStream();
  }, 300_000);

  it('that was a replica accepts writes once it is promoted and followed, with everything committed', async () => {
    await write();
    await node(1).lose();
    expect(await node(1).isRunning()).toBe(false);
    const ahead = await moreAdvanced(node(2), node(3));
    const other = ahead === node(2) ? node(3) : node(2);
    await ahead.promote();
    expect(await sql(ahead, 'SELECT pg_is_in_recovery() AS replica')).toEqual([{ replica: false }]);
    await other.follow(ahead);
    // The commit waits for the replica that follows, as it did on the old primary.
    await sql(ahead, `INSERT INTO eco.setting (name, value) VALUES ('promoted', 'x')`, 60_000);
    expect(await sql(ahead, `SELECT FROM eco.setting WHERE name = 'contract ${written}'`)).toHaveLength(1);
    await eventually('the one that follows has it', async () => {
      const rows = await sql(other, `SELECT FROM eco.setting WHERE name = 'promoted'`);
      return rows.length === 1;
    });
  }, 300_000);
});
