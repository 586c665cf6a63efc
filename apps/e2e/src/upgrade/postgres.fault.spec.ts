import { hostPort } from '@eco/base';
import { ensurePrograms, type RunningCluster, type RunningDatabase } from '@eco/cluster';
import { FaultSystem } from '../faults/fault-system.js';
import { MixedLoad } from '../faults/mixed-load.js';
import { askAt, copyDatabase, makeReadOnly } from './copy-database.js';
import { startNewServers } from './new-servers.js';
import { figuresOf, giveSettings, refusalsIn } from './upgraded-system.js';

/*
 * PostgreSQL 15 is replaced by 17 as docs/operations.md says, by dump and restore, while a chain sells: while nothing
 * is decided, orders wait with the brokers and sales with the branch. The old databases are processes, the new ones
 * containers.
 */

const { ECO_TEST_SEED } = process.env;
const seed = Number(ECO_TEST_SEED ?? Date.now() % 1_000_000);
const REQUESTS_PER_SECOND = 30;
const BAD_EVERY = 300;

const description = { brokers: 1, groups: [{ id: 'g1', replicas: 1 }], branchIds: ['norte'] };
let system: FaultSystem;
let load: MixedLoad;
let next: RunningCluster;

beforeAll(async () => {
  process.stderr.write(`upgrade of PostgreSQL: ECO_TEST_SEED=${seed}\n`);
  system = await FaultSystem.start({ description, isSupervised: true });
  next = await startNewServers(system.cluster, { ...description, brokers: 0 });
  const branches = await system.openBranches({ ECO_FETCH_LEAST_UNITS: '0' });
  load = await MixedLoad.start(
    system,
    branches,
    { requestsPerSecond: REQUESTS_PER_SECOND, seed, badEvery: BAD_EVERY },
    { servicesMayBeAway: true },
  );
  await system.untilAttached();
}, 600_000);

afterAll(async () => {
  await load?.branches.close();
  await Promise.all([system?.cluster.destroy(), next?.destroy()]);
}, 300_000);

it('moves from 15 to 17 with nothing lost, doubled or refused, and with all positions', async () => {
  const [group] = next.groups;
  if (group === undefined) throw new Error('there is no new group');
  const superuser = system.cluster.system.databaseLogin('postgres');
  const old = await system.primary();
  const [to] = group.nodes as readonly [RunningDatabase];
  const versionOf = async (node: RunningDatabase) => (await askAt(node, superuser, 'SHOW server_version'))[0];
  expect(await versionOf(old)).toMatchObject({ server_version: expect.stringMatching(/^15\./) as string });
  expect(await versionOf(to)).toMatchObject({ server_version: expect.stringMatching(/^17\./) as string });
  const { postgresDir } = await ensurePrograms(() => undefined);
  const writers = system.writers.map(({ name }) => name);
  const ECO_GROUPS = `g1=${group.nodes.map(hostPort).join(',')}`;
  load.orders.nextWindow();

  const beganAt = performance.now();
  for (const service of writers) await system.operate({ type: 'stop', service });
  await makeReadOnly(old, superuser);
  const dumpBeganAt = performance.now();
  await copyDatabase(postgresDir, old, to, superuser);
  const copiedAt = performance.now();
  const state = 'SELECT term, tag, seq, timeline FROM eco.group_state';
  expect(await askAt(to, superuser, state)).toEqual(await askAt(old, superuser, state));
  for (const service of ['read-service', ...writers, 'central-api']) {
    await giveSettings(system, service, { ECO_GROUPS });
    await system.operate({ type: 'restart', service });
  }
  // From here on the checks look at the new databases.
  Object.defineProperty(system.cluster, 'groups', { value: next.groups });
  await system.untilAttached();
  const attachedAt = performance.now();
  for (const service of system.nodes) expect(await versionOf(service)).toEqual(await versionOf(to));

  const checked = await load.check();
  const window = load.orders.nextWindow();
  process.stderr.write(
    figuresOf('upgrade of PostgreSQL', window) +
      `writers stopped and old database read-only after ${Math.round(dumpBeganAt - beganAt)} ms, ` +
      `copied after ${Math.round(copiedAt - dumpBeganAt)} ms, all attached after ` +
      `${Math.round(attachedAt - copiedAt)} ms; ` +
      `${checked.requests} requests, ${load.till.sales.length} sales (${load.till.repeats} repeated)\n`,
  );
  expect(checked.faults).toEqual([]);
  expect(refusalsIn(window)).toEqual([]);
  expect(window.acceptedCount).toBeGreaterThan(0);
  expect(load.readers.positionsLost).toBe(0);
  expect(load.follower.setBack).toBe(0);
}, 600_000);

it('has an answer to every request and every sale in the end, and every effect once', async () => {
  expect(await load.stop()).toEqual([]);
}, 600_000);
