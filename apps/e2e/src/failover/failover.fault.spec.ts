import { cp } from 'node:fs/promises';
import path from 'node:path';
import { FaultSystem } from '../faults/fault-system.js';
import { tableOf, type Seen } from '../faults/fault-table.js';
import { MixedLoad } from '../faults/mixed-load.js';
import { failoverFaults, switchovers } from './failover-faults.js';

/*
 * The primary is lost in every way while a chain sells. `eco up` puts a replica in its place. Clients notice that
 * decisions come later, and nothing else: orders and sales are accepted without a refusal, reads go on, every decision
 * exists once, and a program that follows the changes misses none.
 */

const { ECO_TEST_SEED, ECO_TEST_FAILOVERS } = process.env;
const seed = Number(ECO_TEST_SEED ?? Date.now() % 1_000_000);
const times = Number(ECO_TEST_FAILOVERS ?? 1);
const REQUESTS_PER_SECOND = 30;
/** A replica that is stopped and started again is away for less, and a test waits for a longer one. */
const REPLICA_AWAY_SECONDS = 10;

let system: FaultSystem;
let load: MixedLoad;
const seen: Seen[] = [];

beforeAll(async () => {
  process.stderr.write(`failover: ECO_TEST_SEED=${seed}, each fault ${times} times\n`);
  system = await FaultSystem.start({
    description: { branchIds: ['norte'], replicaAwaySeconds: REPLICA_AWAY_SECONDS, faults: true },
    isSupervised: true,
  });
  const branches = await system.openBranches({ ECO_FETCH_LEAST_UNITS: '0' });
  load = await MixedLoad.start(system, branches, { requestsPerSecond: REQUESTS_PER_SECOND, seed, badEvery: 300 });
  await system.untilAttached();
}, 600_000);

afterAll(async () => {
  if (seen.length > 0) process.stderr.write(`\n${tableOf(seen)}\n`);
  const { ECO_TEST_KEEP: keep } = process.env;
  if (keep) await cp(path.join(system.cluster.dataDir, 'log'), keep, { recursive: true });
  await load?.branches.close();
  await system?.cluster.destroy();
}, 300_000);

const faults = Array.from({ length: times }, () => [...failoverFaults, ...switchovers]).flat();

it.each(faults)(
  '$name: clients notice a delay and nothing else',
  async (fault) => {
    load.orders.nextWindow();
    system.said.splice(0);
    const recovery = await fault.run(system);
    const checked = await load.check();
    const window = load.orders.nextWindow();
    seen.push({ name: fault.name, recovery, window, checked });
    const lines = system.said.map(({ at, line }) => `  ${at.toISOString()} ${line}\n`);
    process.stderr.write(
      `${fault.name}: ${Math.round(window.longestUndecidedMs)} ms without a decision\n${lines.join('')}`,
    );
    expect(checked.faults).toEqual([]);
    expect([...window.refusals]).toEqual([]);
    expect(window.acceptedCount).toBeGreaterThan(0);
    expect(load.readers.positionsLost).toBe(0);
    expect(load.follower.setBack).toBe(0);
  },
  600_000,
);

it('has an answer to every request and every sale in the end, and every effect once', async () => {
  expect(await load.stop()).toEqual([]);
  const { reads, notFresh, slowestMs } = load.readers;
  process.stderr.write(
    `${load.orders.asked.length} requests, ${load.till.sales.length} sales, ${reads} reads ` +
      `(${notFresh} repeated because no node was fresh enough, slowest ${Math.round(slowestMs)} ms)\n`,
  );
}, 600_000);
