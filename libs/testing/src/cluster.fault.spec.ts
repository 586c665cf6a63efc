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
import { commandOf } from './batch-writer.js';
import { brokerView, untilBrokersAreWhole } from './brokers-are-whole.js';
import {
  assertHas,
  databaseContract,
  sqlAt,
  untilReplicasCount,
  writeAt,
  type ContractGroup,
} from './database-contract.js';
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
  ...cluster.system.brokerLogin('topology'),
});

function ask(
  one: RunningBroker,
  path: string,
  { login = cluster.system.brokerLogin('topology'), deadlineMs = 5000 }: { login?: Login; deadlineMs?: number } = {},
): Promise<ManagementAnswer> {
  return askManagement({ url: one.managementUrl, ...login }, `/api/${path}`, { deadlineMs });
}

const viewOf = (one: RunningBroker) => brokerView(one, cluster.system.brokerLogin('operator'));
const untilWhole = (returned?: RunningBroker) =>
  untilBrokersAreWhole({ brokers: cluster.brokers, operator: cluster.system.brokerLogin('operator') }, returned);

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
  const access = { brokers: [{ host: one.host, port: one.amqpPort }], ...cluster.system.brokerLogin('central') };
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

const databaseGroup: ContractGroup = {
  get nodes() {
    return nodes();
  },
  login: (role) => cluster.system.databaseLogin(role),
  primary: async () => {
    await untilReplicasCount(databaseGroup);
    return node(1);
  },
};
const sql = (on: RunningDatabase, text: string, deadlineMs?: number) => sqlAt(databaseGroup, on, text, deadlineMs);

/** Returns the replica that has received more of the log of a failed primary. */
async function moreAdvanced(one: RunningDatabase, other: RunningDatabase): Promise<RunningDatabase> {
  const received = async (replica: RunningDatabase) => {
    const [row] = await sql(replica, `SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text AS place`);
    return BigInt(String(row?.['place']));
  };
  return (await received(one)) >= (await received(other)) ? one : other;
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

  it('a commit waits for one of the two replicas', async () => {
    await untilReplicasCount(databaseGroup);
    await writeAt(databaseGroup, node(1));
    for (const one of nodes()) {
      const rows = await sql(
        one,
        `SELECT current_setting('cluster_name') AS name, current_setting('synchronous_standby_names') AS names`,
      );
      expect(rows).toEqual([{ name: one.name, names: 'ANY 1 ("g1-1", "g1-2", "g1-3")' }]);
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
  it.each(databaseContract)('keeps the contract: $name', ({ run }) => run(databaseGroup), 300_000);

  it('whose disk is full accepts nothing, and accepts writes when there is room, with everything committed', async () => {
    const name = await writeAt(databaseGroup, node(1));
    await node(1).fillDisk();
    const fill = `CREATE TABLE IF NOT EXISTS public.filling (text text);
                  INSERT INTO public.filling SELECT repeat(md5(n::text), 100) FROM generate_series(1, 100000) AS n`;
    await expect(sql(node(1), fill, 60_000)).rejects.toThrow();
    await node(1).freeDisk();
    // Without room for its log a server may have ended.
    if (!(await node(1).isRunning())) await node(1).start();
    await eventually('a write', () => writeAt(databaseGroup, node(1)));
    await assertHas(databaseGroup, node(1), name);
    await untilReplicasCount(databaseGroup);
  }, 300_000);

  it('that was a replica accepts writes once it is promoted and followed, with everything committed', async () => {
    const name = await writeAt(databaseGroup, node(1));
    await node(1).lose();
    expect(await node(1).isRunning()).toBe(false);
    const ahead = await moreAdvanced(node(2), node(3));
    const other = ahead === node(2) ? node(3) : node(2);
    await ahead.promote();
    expect(await sql(ahead, 'SELECT pg_is_in_recovery() AS replica')).toEqual([{ replica: false }]);
    await other.follow(ahead);
    // The commit waits for the replica that follows, as it did on the old primary.
    await sql(ahead, `INSERT INTO eco.setting (name, value) VALUES ('promoted', 'x')`, 60_000);
    await assertHas(databaseGroup, ahead, name);
    await eventually('the one that follows has it', async () => {
      const rows = await sql(other, `SELECT FROM eco.setting WHERE name = 'promoted'`);
      return rows.length === 1;
    });
  }, 300_000);
});
