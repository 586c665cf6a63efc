import { hostPort } from '@eco/base';
import type { RunningBroker, RunningCluster } from '@eco/cluster';
import { FaultSystem } from '../faults/fault-system.js';
import { MixedLoad } from '../faults/mixed-load.js';
import { startNewServers } from './new-servers.js';
import {
  figuresOf,
  giveSettings,
  refusalsIn,
  untilDrained,
  waitingCommands,
  writersInOrder,
} from './upgraded-system.js';

/*
 * RabbitMQ 3.10 is replaced by 4.0 as docs/operations.md says, while a chain sells: new brokers next to the old ones;
 * first what sends, then, when the old queues are empty, what decides. The old brokers are processes, the new ones
 * containers.
 */

const { ECO_TEST_SEED, ECO_TEST_UPGRADE } = process.env;
const seed = Number(ECO_TEST_SEED ?? Date.now() % 1_000_000);
const brokers = ECO_TEST_UPGRADE === 'full' ? 3 : 1;
const REQUESTS_PER_SECOND = 30;
/** No invalid messages, because they are published directly to the old brokers. */
const NEVER = 1_000_000_000;

const description = { brokers, groups: [{ id: 'g1', replicas: 1 }], branchIds: ['norte'] };
let system: FaultSystem;
let load: MixedLoad;
let next: RunningCluster;

beforeAll(async () => {
  process.stderr.write(`upgrade of RabbitMQ: ECO_TEST_SEED=${seed}, ${brokers} brokers\n`);
  system = await FaultSystem.start({ description, isSupervised: true });
  next = await startNewServers(system.cluster, { ...description, groups: [{ id: 'g1', replicas: 0 }] });
  const branches = await system.openBranches({ ECO_FETCH_LEAST_UNITS: '0' });
  load = await MixedLoad.start(
    system,
    branches,
    { requestsPerSecond: REQUESTS_PER_SECOND, seed, badEvery: NEVER },
    { servicesMayBeAway: true },
  );
  await system.untilAttached();
}, 600_000);

afterAll(async () => {
  await load?.branches.close();
  await Promise.all([system?.cluster.destroy(), next?.destroy()]);
}, 300_000);

const versionOf = async (broker: RunningBroker) => (await broker.control('eval', 'rabbit_misc:version().')).trim();

it('moves from 3.10 to 4.0 with nothing lost, doubled or refused', async () => {
  const [old] = system.brokers;
  const [other] = next.brokers;
  if (old === undefined || other === undefined) throw new Error('there are no brokers');
  expect(await versionOf(old)).toContain('"3.10.');
  expect(await versionOf(other)).toContain('"4.');
  const addresses = next.brokers.map(({ host, amqpPort: port }) => ({ host, port }));
  const ECO_BROKERS = addresses.map(hostPort).join(',');
  const move = async (service: string) => {
    await giveSettings(system, service, { ECO_BROKERS });
    await system.operate({ type: 'restart', service });
  };
  load.orders.nextWindow();

  const sendersBeganAt = performance.now();
  await load.till.branch.end('SIGTERM');
  await load.till.branch.useBrokers(addresses);
  await load.till.branch.start();
  await move('central-api');
  await untilDrained(old);
  const drainedAt = performance.now();
  for (const writer of await writersInOrder(system)) await move(writer);
  await system.untilActive();
  const writersMovedAt = performance.now();
  await move('read-service');
  await system.untilAttached();
  expect(await waitingCommands(old)).toBe(0);
  for (const broker of system.brokers) await broker.stop();

  const checked = await load.check();
  const window = load.orders.nextWindow();
  process.stderr.write(
    figuresOf('upgrade of RabbitMQ', window) +
      `senders moved and the old queues empty after ${Math.round(drainedAt - sendersBeganAt)} ms, ` +
      `writers moved after ${Math.round(writersMovedAt - drainedAt)} ms more; ` +
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
