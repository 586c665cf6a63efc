import { composeContainers, composeLayout, composeSecrets, type App, type Layout, type Secrets } from '@eco/cluster';
import { verifyGroup } from '@eco/database';
import { eventually } from '@eco/testing';
import { Api } from '../system/system.js';
import { Load, Project } from './project.js';

/** compose.yaml as a new user meets it: up, the tour, a container of each kind killed under load, down. */

/** For whatever waits for a server, on a machine that has much else to do. */
const WAIT = { deadlineMs: 180_000, pauseMs: 500 };

let project: Project;
let layout: Layout;
let secrets: Secrets;
/** Of an order that was accepted before anything was killed. */
let orderId: string;
const api = (app: App) => {
  const service = layout.services.find((each) => each.app === app);
  return new Api(`http://${service?.host}:${service?.port}`);
};

beforeAll(async () => {
  project = await Project.open();
});
afterAll(async () => {
  await project.compose('--profile', '*', 'down', '--volumes', '--timeout', '5');
});

const stateOf = async (service: string) => (await composeContainers()).find((each) => each.service === service);
const isHealthy = async (service: string) => (await stateOf(service))?.health === 'healthy';

it.each([[[]], [['--profile', '*']]])('docker compose %j config has nothing to remark', async (profiles) => {
  expect((await project.compose(...profiles, 'config', '--quiet')).stderr).toBe('');
});

it('comes up healthy from nothing', async () => {
  await project.compose('up', '--build', '--wait');
  layout = composeLayout(await composeContainers());
  secrets = await composeSecrets();
  expect(layout.groups.map(({ nodes }) => nodes.length)).toEqual([3]);
  expect(layout.brokers).toHaveLength(3);
});

it('takes what the tour asks', async () => {
  const [central, sucursal, read] = [api('central-api'), api('sucursal-api'), api('read-service')];
  const products = await read.get('/products');
  expect(products.headers.get('ecomarket-source')).toMatch(/\((replica|primary)\)$/);
  expect(products.text).toContain('cafe-premium');

  const order = { customerId: 'luis', lines: [{ productId: 'pan-integral', quantity: 1 }] };
  expect((await sucursal.post('/orders', order, { prefer: 'wait=30' })).status).toBe(201);
  const keyed = { prefer: 'wait=30', 'idempotency-key': 'till-7-0042' };
  const first = await central.post('/orders', order, keyed);
  const second = await central.post('/orders', order, keyed);
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.headers.get('idempotent-replayed')).toBe('true');

  const placed = await central.post('/orders', { ...order, customerId: 'ana' });
  expect(placed.status).toBe(202);
  orderId = String(placed.body?.['orderId']);
  const seen = await read.get(`/orders/${orderId}`, { 'ecomarket-position': `order/${orderId}`, prefer: 'wait=30' });
  expect(seen.body?.['orderId']).toBe(orderId);

  const tooMuch = { customerId: 'ana', lines: [{ productId: 'quinoa', quantity: 1000 }] };
  expect((await central.post('/orders', tooMuch, { prefer: 'wait=30' })).status).toBe(409);
  expect((await central.post('/orders', { customerId: '' })).status).toBe(400);
});

it('shows no password in an environment, a command or a log, and each service only its own', async () => {
  const passwords = [secrets.cookie, ...Object.values(secrets.broker), ...Object.values(secrets.database)];
  const ids = (await project.compose('ps', '--all', '--quiet')).stdout.trim().split('\n');
  const inspected = (await project.docker('inspect', ...ids)).stdout;
  const logs = (await project.compose('logs')).stdout;
  expect(passwords.filter((password) => inspected.includes(password) || logs.includes(password))).toEqual([]);
  const own = (await project.compose('exec', '-T', 'sucursal-api', 'cat', '/run/eco/secrets.json')).stdout;
  expect(passwords.filter((password) => own.includes(password)).sort()).toEqual(
    [secrets.broker.sucursal, secrets.database.eco_reader].sort(),
  );
});

it('loses nothing when one container of each kind is killed under load', async () => {
  const load = new Load();
  try {
    const kinds = [
      ...['broker-1', 'broker-2', 'g1-1', 'g1-2', 'central-api-1', 'nginx'],
      ...['sucursal-api', 'read-service', 'shard-writer-1', 'shard-writer-2'],
    ];
    const untilMoreIsDecided = async (after: string) => {
      const before = await eventually('a node tells its last batch', lastBatch, WAIT);
      await eventually(`orders are decided after ${after}`, async () => ((await lastBatch()) ?? 0) > before, WAIT);
    };
    await untilMoreIsDecided('the load began');
    for (const service of kinds) {
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

/** Number of the group's last batch, as the read-service knows it; undefined while it does not answer. */
async function lastBatch(): Promise<number | undefined> {
  const said = await api('read-service')
    .get('/replication')
    .catch(() => undefined);
  const seqs = [...(said?.text ?? '').matchAll(/"position":"g1=\d+\.\w+\.(\d+)"/g)].map(([, seq]) => Number(seq));
  return seqs.length === 0 ? undefined : Math.max(...seqs);
}

it('starts again what ended by itself', async () => {
  const kill = 'kill -9 "$(head -n 1 /var/lib/postgresql/data/node/postmaster.pid)"';
  const startedAt = async (service: string) =>
    (await project.docker('inspect', '--format', '{{.State.StartedAt}}', `${project.name}-${service}-1`)).stdout;
  const before = { 'g1-2': await startedAt('g1-2'), 'read-service': await startedAt('read-service') };
  await project.compose('exec', '-T', 'g1-2', 'bash', '-c', kill);
  await project.compose('exec', '-T', 'read-service', 'node', '-e', 'process.kill(1, "SIGTERM")');
  for (const [service, started] of Object.entries(before)) {
    await eventually(
      `${service} runs anew`,
      async () => (await startedAt(service)) !== started && (await isHealthy(service)),
      WAIT,
    );
  }
});

it('keeps the data over a stop, and agrees with itself', async () => {
  await project.compose('stop');
  const ended = (await composeContainers()).filter(({ state }) => state !== 'exited');
  expect(ended).toEqual([]);
  await project.compose('up', '--wait');
  layout = composeLayout(await composeContainers());
  const login = { user: 'eco_reader', password: secrets.database.eco_reader };
  expect((await composeSecrets()).database).toEqual(secrets.database);
  for (const { nodes } of layout.groups) {
    const report = await verifyGroup(nodes[0], login);
    expect(report.checks.filter(({ offences }) => offences > 0)).toEqual([]);
    expect(report.checks.length).toBeGreaterThan(0);
  }
  expect((await api('read-service').get(`/orders/${orderId}`)).body).toMatchObject({
    customerId: 'ana',
    status: 'confirmed',
  });
});

it('a replica whose primary was made anew says so once, and ends', async () => {
  await project.compose('rm', '--stop', '--force', 'g1-1');
  await project.docker('volume', 'rm', `${project.name}_g1-1`);
  await project.compose('up', '--detach', '--no-deps', 'g1-1');
  // Who the primary is can be asked once it has the roles.
  await project.compose('up', '--detach', '--no-deps', 'declare');
  const replica = await eventually(
    'the replica has ended',
    async () => {
      const seen = await stateOf('g1-2');
      return seen?.state === 'exited' && seen;
    },
    WAIT,
  );
  expect(replica.exitCode).toBe(0);
  expect((await project.logs('g1-2')).match(/g1-1 was made anew/g)).toHaveLength(1);
});

it('leaves nothing behind', async () => {
  await project.compose('down', '--volumes');
  expect(await project.leftovers()).toEqual([]);
});
