import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { BranchSystem } from '../branches/branch-system.js';
import { FaultSystem } from '../faults/fault-system.js';
import { MixedLoad } from '../faults/mixed-load.js';
import { OtherVersion, SupervisedBranch } from './other-version.js';
import { figuresOf, refusalsIn, writersInOrder } from './upgraded-system.js';
import { copyThisVersion, makeVersionBefore, replaceVersion, VERSION_BEFORE } from './versions.js';

/*
 * EcoMarket of an earlier version is replaced by this one as docs/operations.md says, while a chain sells: the schema is
 * extended first, then the services are replaced one by one. Both versions run at the same time.
 */

const { ECO_TEST_SEED } = process.env;
const seed = Number(ECO_TEST_SEED ?? Date.now() % 1_000_000);
const REQUESTS_PER_SECOND = 30;
/** No invalid messages, because two versions may describe the same one differently. */
const NEVER = 1_000_000_000;
const BRANCH = 'norte';

let folder: string;
let dir: string;
let running: OtherVersion;
let system: FaultSystem;
let load: MixedLoad;

beforeAll(async () => {
  process.stderr.write(`upgrade from ${VERSION_BEFORE}: ECO_TEST_SEED=${seed}\n`);
  folder = await mkdtemp(path.join(os.tmpdir(), 'eco-upgrade-'));
  dir = path.join(folder, 'eco');
  await makeVersionBefore(dir);
  await copyThisVersion(path.join(folder, 'next'));
  running = new OtherVersion(
    dir,
    path.join(folder, 'data'),
    ['--brokers', '1', '--replicas', '1', '--branches', BRANCH],
    { ECO_FETCH_LEAST_UNITS: '0' },
  );
  const cluster = await running.untilRunning();
  system = FaultSystem.of(cluster);
  const branches = BranchSystem.running(cluster, [new SupervisedBranch(cluster, BRANCH)]);
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
  await running?.stop();
  await rm(folder, { recursive: true, force: true });
}, 300_000);

it('follows the version before with nothing lost, doubled or refused', async () => {
  const migrations = () => system.sql('SELECT FROM eco.migration', [], { role: 'postgres' });
  const before = (await migrations()).length;
  load.orders.nextWindow();
  await replaceVersion(dir, path.join(folder, 'next'));
  const beganAt = performance.now();
  await running.eco('declare');
  const declaredAt = performance.now();
  expect((await migrations()).length).toBeGreaterThan(before);
  // From here on the older writer decides with the newer schema.
  await system.untilAttached();
  const order = [...(await writersInOrder(system)), 'read-service', 'central-api', 'sucursal-api'];
  for (const service of order) {
    expect(running.folderOf(service)).not.toBe(dir);
    await running.startAgain(service);
    expect(running.folderOf(service)).toBe(dir);
    await system.untilActive();
  }
  await system.untilAttached();
  const checked = await load.check();
  const window = load.orders.nextWindow();
  process.stderr.write(
    figuresOf('upgrade of EcoMarket', window) +
      `schema extended in ${Math.round(declaredAt - beganAt)} ms; ` +
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
