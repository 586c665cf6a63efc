import { databaseContract, eventually, type ContractGroup } from '@eco/testing';
import { DecisionWatch, type Watched } from './decision-watch.js';
import { losses } from './losses.js';
import { PatroniGroup, WAIT } from './patroni-group.js';
import { lastBatch, Load, Project } from './project.js';

/*
 * Losses of a primary that Patroni replaces, under load. Each is repeated ECO_TEST_FAILOVERS times.
 */

const times = Number(process.env['ECO_TEST_FAILOVERS'] ?? 1);
/** Orders that are confirmed after a loss before its figures are taken. */
const CONFIRMED_AFTER = 20;

let project: Project;
let group: PatroniGroup;
let contractGroup: ContractGroup;
let load: Load;
let watch: DecisionWatch;
const seen = new Map<string, Watched[]>();

beforeAll(async () => {
  project = await Project.open();
  group = new PatroniGroup(project);
  await project.up('--build');
  contractGroup = group.contractGroup();
  // Few, because full cores would be measured instead of the failover.
  load = new Load(2);
  // It can't begin without a primary, but can go on without one.
  await eventually('the load has its products', () => load.hasProducts, WAIT);
  const before = await eventually('a node reports its last batch', () => lastBatch(project), WAIT);
  await eventually('the orders of the load are decided', async () => ((await lastBatch(project)) ?? 0) > before, WAIT);
  watch = await DecisionWatch.start(project.central);
});
afterAll(async () => {
  load?.kill();
  for (const [name, all] of seen) process.stderr.write(`${figuresOf(name, all)}\n`);
  await project?.remove();
});

function figuresOf(name: string, all: readonly Watched[]): string {
  const seconds = all.map(({ longestUndecidedMs }) => longestUndecidedMs / 1000).sort((one, other) => one - other);
  const at = (share: number) => (seconds[Math.ceil(share * seconds.length) - 1] ?? NaN).toFixed(1);
  const accepted = all.reduce((sum, each) => sum + each.accepted, 0);
  const slowest = Math.max(...all.map(({ slowestAcceptedMs }) => slowestAcceptedMs));
  const aimS = losses.find((loss) => loss.name === name)?.aimS;
  return (
    `${name}, ${all.length} times: ${at(0.5)} s without a decision, p95 ${at(0.95)}, at worst ${at(1)}` +
    `${aimS === undefined ? '' : ` (aim ${aimS})`}; ` +
    `${accepted} orders accepted, the slowest in ${Math.round(slowest)} ms`
  );
}

it.each(databaseContract)('keeps the contract: $name', ({ run }) => run(contractGroup));

const untilConfirmed = (after: string, count: number) => {
  const before = watch.confirmedCount;
  return eventually(`orders are confirmed after ${after}`, () => watch.confirmedCount >= before + count, WAIT);
};

const runs = losses.flatMap((loss) => Array.from({ length: times }, () => loss));

it.each(runs)('$name: clients notice a delay and nothing else', async (loss) => {
  const { name, prepare, lose, repair, isReplaced = true } = loss;
  const system = { project, group };
  const primary = await group.untilWhole();
  await untilConfirmed('the last loss', 1);
  let watched: Watched;
  try {
    await prepare?.(system, primary);
    watch.take();
    await lose(system, primary);
    if (isReplaced) await group.untilOther(primary);
    await untilConfirmed(name, CONFIRMED_AFTER);
    watched = watch.take();
  } finally {
    await repair?.(system, primary);
  }
  seen.set(name, [...(seen.get(name) ?? []), watched]);
  expect(watched.refusals).toEqual([]);
  expect(watched.accepted).toBeGreaterThan(0);
  await group.untilWhole();
  if (!load.isRunning) throw new Error(`the load ended early: ${load.complaint}`);
});

it('copies a replica again, and no primary', async () => {
  const primary = await group.untilWhole();
  const [replica] = group.replicasOf(primary);
  expect(await project.eco('reinit', replica, '--docker')).toContain(`${replica} was copied from the primary of g1`);
  await expect(project.eco('reinit', primary, '--docker')).rejects.toThrow(`${primary} is the primary`);
  await group.untilWhole();
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
