import { composeContainers, composeSecrets } from '@eco/cluster';
import { verifyGroup } from '@eco/database';
import { eventually } from '@eco/testing';
import { WAIT } from './patroni-group.js';
import { Load, lastBatch, Project } from './project.js';

/** compose.yaml's containers when they are killed, crash, are stopped, or lose their data. */

let project: Project;

beforeAll(async () => {
  project = await Project.open();
  await project.up('--build');
});
afterAll(() => project.remove());

const stateOf = async (service: string) => (await composeContainers()).find((each) => each.service === service);
const isHealthy = async (service: string) => (await stateOf(service))?.health === 'healthy';

it('loses nothing when each container in turn is killed under load', async () => {
  const load = new Load(8);
  try {
    const running = (await composeContainers()).filter(({ state }) => state === 'running');
    expect(running).toHaveLength(17);
    const untilMoreIsDecided = async (after: string) => {
      const before = await eventually('a node reports its last batch', () => lastBatch(project), WAIT);
      await eventually(
        `orders are decided after ${after}`,
        async () => ((await lastBatch(project)) ?? 0) > before,
        WAIT,
      );
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
  for (const { nodes } of project.system.layout.groups) {
    const report = await verifyGroup(nodes[0], login);
    expect(report.checks.filter(({ offences }) => offences > 0)).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(0);
  }
  const seen = await project.read.found(`/orders/${String(placed.body?.['orderId'])}`);
  expect(seen.body).toMatchObject({ customerId: 'luis', status: 'confirmed' });
});
