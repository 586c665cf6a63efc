import { composeContainers, composeSecrets } from '@eco/cluster';
import { verifyGroup } from '@eco/database';
import { eventually } from '@eco/testing';
import { DecisionWatch, type Watched } from './decision-watch.js';
import { Load, Project } from './project.js';

/** compose.yaml's containers when they are killed, crash, are stopped, or lose their data. */

/** Time limit of waits for a server, on a busy machine. */
const WAIT = { deadlineMs: 180_000, pauseMs: 500 };

let project: Project;

beforeAll(async () => {
  project = await Project.open();
  await project.up('--build');
});
afterAll(() => project.remove());

const stateOf = async (service: string) => (await composeContainers()).find((each) => each.service === service);
const isHealthy = async (service: string) => (await stateOf(service))?.health === 'healthy';

it('loses nothing when each container in turn is killed under load', async () => {
  const load = new Load();
  try {
    const running = (await composeContainers()).filter(({ state }) => state === 'running');
    expect(running).toHaveLength(17);
    const untilMoreIsDecided = async (after: string) => {
      const before = await eventually('a node reports its last batch', lastBatch, WAIT);
      await eventually(`orders are decided after ${after}`, async () => ((await lastBatch()) ?? 0) > before, WAIT);
    };
    await untilMoreIsDecided('the load began');
    for (const { service } of running) {
      await project.compose('kill', service);
      await project.compose('up', '--detach', '--no-deps', service);
      await eventually(`${service} is healthy again`, () => isHealthy(service), WAIT);
      await untilMoreIsDecided(`${service} was killed`);
      if (!load.isRunning) throw new Error(`the load ended early: ${load.complaint}`);
    }
    const { accepted, acceptToVisible, check, failedWrites } = await load.end();
    const failed = Object.values(failedWrites).reduce((sum, count) => sum + count, 0);
    expect(accepted).toBeGreaterThan(0);
    expect(check).toMatchObject({ missing: [], broken: [], openDeadLetters: 0 });
    expect(check.checks).toBeGreaterThan(0);
    expect(check.unexpected.length).toBeLessThanOrEqual(failed);
    expect(acceptToVisible.count).toBe(accepted);
  } finally {
    load.kill();
  }
});

/** Number of the group's last batch according to the read-service; undefined while it does not answer. */
async function lastBatch(): Promise<number | undefined> {
  const said = await project.read.get('/replication').catch(() => undefined);
  const seqs = [...(said?.text ?? '').matchAll(/"position":"g1=\d+\.\w+\.(\d+)"/g)].map(([, seq]) => Number(seq));
  return seqs.length === 0 ? undefined : Math.max(...seqs);
}

/** Kills Patroni and everything else that the first process of the container has started. */
const KILL_ALL = 'kill -9 $(cat /proc/1/task/1/children)';

it('restarts containers that ended on their own', async () => {
  const startedAt = async (service: string) =>
    (await project.docker('inspect', '--format', '{{.State.StartedAt}}', `${project.name}-${service}-1`)).stdout;
  const before = { 'g1-2': await startedAt('g1-2'), 'read-service': await startedAt('read-service') };
  await project.compose('exec', '-T', 'g1-2', 'bash', '-c', KILL_ALL);
  await project.compose('exec', '-T', 'read-service', 'node', '-e', 'process.kill(1, "SIGTERM")');
  for (const [service, started] of Object.entries(before)) {
    await eventually(
      `${service} runs again`,
      async () => (await startedAt(service)) !== started && (await isHealthy(service)),
      WAIT,
    );
  }
});

/** The fields of `eco journal --json` used here. */
interface Journals {
  journals: { name: string; depth: number }[];
}

it('accepts orders on its own disk without brokers, and keeps them across the loss of its containers', async () => {
  await project.compose('kill', 'broker-1', 'broker-2', 'broker-3');
  const order = { customerId: 'ana', lines: [{ productId: 'pan-integral', quantity: 1 }] };
  const orderIds: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    const said = await project.central.post('/orders', order);
    expect([said.status, said.headers.get('ecomarket-durability')]).toEqual([202, 'local']);
    orderIds.push(String(said.body?.['orderId']));
  }
  const { journals } = JSON.parse(await project.eco('journal', '--docker', '--json')) as Journals;
  expect(journals.map(({ name }) => name).sort()).toEqual(['central-api-1', 'central-api-2']);
  expect(journals.reduce((sum, { depth }) => sum + depth, 0)).toBe(orderIds.length);
  await project.compose('kill', 'central-api-1', 'central-api-2');
  await project.up();
  for (const orderId of orderIds) {
    const seen = await project.read.found(`/orders/${orderId}`);
    expect(seen.body?.['customerId']).toBe('ana');
  }
});

it('keeps consistent data across a stop', async () => {
  const secrets = await composeSecrets();
  const order = { customerId: 'luis', lines: [{ productId: 'pan-integral', quantity: 1 }] };
  const placed = await project.central.post('/orders', order, { prefer: 'wait=30' });
  expect(placed.status).toBe(201);
  await project.compose('stop');
  const ended = (await composeContainers()).filter(({ state }) => state !== 'exited');
  expect(ended).toEqual([]);
  await project.up();
  expect(await composeSecrets()).toEqual(secrets);
  const login = { user: 'eco_operator', password: secrets.database.eco_operator };
  for (const { nodes } of project.layout.groups) {
    const report = await verifyGroup(nodes[0], login);
    expect(report.checks.filter(({ offences }) => offences > 0)).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(0);
  }
  const seen = await project.read.found(`/orders/${String(placed.body?.['orderId'])}`);
  expect(seen.body).toMatchObject({ customerId: 'luis', status: 'confirmed' });
});

/** A loss, what brings back what was lost, and the longest time without a confirmed decision. */
interface Loss {
  readonly name: string;
  readonly limitMs: number;
  readonly lose: (primary: string) => Promise<unknown>;
  readonly repair?: (primary: string) => Promise<unknown>;
  /** False: the primary stays. */
  readonly isReplaced?: boolean;
}

const ETCD = ['etcd-1', 'etcd-2', 'etcd-3'];

const losses: readonly Loss[] = [
  {
    name: 'the server of the primary is killed',
    limitMs: 10_000,
    lose: (primary) => project.compose('exec', '-T', primary, 'bash', '-c', KILL_SERVER),
  },
  {
    name: 'the primary is lost with its container and its volume',
    limitMs: 30_000,
    lose: async (primary) => {
      await project.compose('kill', primary);
      await project.compose('rm', '--force', primary);
      await project.docker('volume', 'rm', `${project.name}_${primary}`);
    },
    repair: (primary) => project.compose('up', '--detach', '--no-deps', primary),
  },
  {
    name: 'the primary is frozen',
    limitMs: 30_000,
    lose: (primary) => project.compose('pause', primary),
    repair: (primary) => project.compose('unpause', primary),
  },
  {
    name: 'a switchover is ordered',
    limitMs: 10_000,
    lose: () => project.eco('switchover', '--docker'),
  },
  {
    name: 'all nodes of etcd are killed',
    limitMs: 10_000,
    isReplaced: false,
    lose: () => project.compose('kill', ...ETCD),
    repair: () => project.compose('up', '--detach', '--no-deps', ...ETCD),
  },
];

const KILL_SERVER = 'kill -9 "$(head -n 1 /var/lib/postgresql/data/node/postmaster.pid)"';
/** Orders that are confirmed after a loss before its figures are taken. */
const CONFIRMED_AFTER = 20;

describe('Patroni', () => {
  let load: Load;
  let watch: DecisionWatch;
  const seen: [string, Watched][] = [];

  beforeAll(async () => {
    load = new Load();
    // It can't begin without a primary, but can go on without one.
    await eventually('the load has its products', () => /100\/100/.test(load.complaint), WAIT);
    const before = await eventually('a node reports its last batch', lastBatch, WAIT);
    await eventually('the orders of the load are decided', async () => ((await lastBatch()) ?? 0) > before, WAIT);
    watch = await DecisionWatch.start(project.central);
  });
  afterAll(() => {
    load.kill();
    for (const [name, { longestUndecidedMs, slowestAcceptedMs, accepted }] of seen) {
      const figures = `${Math.round(longestUndecidedMs)} ms without a decision, ${accepted} orders accepted`;
      process.stderr.write(`${name}: ${figures}, the slowest in ${Math.round(slowestAcceptedMs)} ms\n`);
    }
  });

  const untilConfirmed = (after: string, count: number) => {
    const before = watch.confirmedCount;
    return eventually(`orders are confirmed after ${after}`, () => watch.confirmedCount >= before + count, WAIT);
  };

  it.each(losses)('$name: clients notice a delay and nothing else', async (loss) => {
    const { name, limitMs, lose, repair, isReplaced = true } = loss;
    const primary = await eventually('a primary with both replicas', wholeGroup, WAIT);
    await untilConfirmed('the last loss', 1);
    watch.take();
    try {
      await lose(primary);
      if (isReplaced) await eventually('another primary', async () => (await leaderNow()) !== primary, WAIT);
      await untilConfirmed(name, CONFIRMED_AFTER);
    } finally {
      await repair?.(primary);
    }
    const watched = watch.take();
    seen.push([name, watched]);
    expect(watched.refusals).toEqual([]);
    expect(watched.accepted).toBeGreaterThan(0);
    expect(watched.longestUndecidedMs).toBeLessThanOrEqual(limitMs);
    await eventually('both replicas follow again', wholeGroup, WAIT);
    if (!load.isRunning) throw new Error(`the load ended early: ${load.complaint}`);
  });

  it('copies a replica again, and no primary', async () => {
    const primary = await eventually('a primary with both replicas', wholeGroup, WAIT);
    const replica = primary === 'g1-1' ? 'g1-2' : 'g1-1';
    expect(await project.eco('reinit', replica, '--docker')).toContain(`${replica} was copied from the primary of g1`);
    await expect(project.eco('reinit', primary, '--docker')).rejects.toThrow(`${primary} is the primary`);
    await eventually('both replicas follow again', wholeGroup, WAIT);
  });

  it('has lost no confirmed order, and every rule holds', async () => {
    const confirmed = await watch.end();
    const { accepted, check, failedWrites } = await load.end();
    expect(accepted).toBeGreaterThan(0);
    expect(failedWrites).toEqual({});
    expect(check).toMatchObject({ missing: [], broken: [], openDeadLetters: 0 });
    expect(check.checks).toBeGreaterThan(0);
    const statuses = new Set<unknown>();
    for (const orderId of confirmed) statuses.add((await project.read.found(`/orders/${orderId}`)).body?.['status']);
    expect([...statuses]).toEqual(['confirmed']);
  });
});

interface Member {
  readonly Member: string;
  readonly Role: string;
  readonly State: string;
}

/** The nodes as Patroni lists them, asked at any database that answers. */
async function members(): Promise<Member[]> {
  return JSON.parse(await patronictl('list', 'g1', '--format', 'json')) as Member[];
}

async function patronictl(...args: string[]): Promise<string> {
  const failures: string[] = [];
  for (const node of ['g1-1', 'g1-2', 'g1-3']) {
    const command = ['timeout', '15', 'patronictl', '--config-file', `/run/eco/${node}.patroni.yml`, ...args];
    const said = await project.compose('exec', '-T', node, ...command).catch((error: Error) => error);
    if (!(said instanceof Error)) return said.stdout;
    failures.push(said.message);
  }
  throw new Error(failures.join('; '));
}

async function leaderNow(): Promise<string | undefined> {
  return (await members()).find(({ Role }) => Role === 'Leader')?.Member;
}

/** The primary, if both replicas follow it and count. */
async function wholeGroup(): Promise<string | undefined> {
  const all = await members();
  const following = all.filter(({ Role, State }) => Role === 'Quorum Standby' && State === 'streaming');
  return following.length === 2 ? all.find(({ Role }) => Role === 'Leader')?.Member : undefined;
}
