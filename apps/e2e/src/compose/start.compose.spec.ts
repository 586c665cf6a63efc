import { composeSecrets } from '@eco/cluster';
import { Project } from './project.js';

/** compose.yaml as a new user sees it: up, the tour, down. */

let project: Project;

beforeAll(async () => {
  project = await Project.open();
});
afterAll(() => project.remove());

it.each([[[]], [['--profile', '*']]])('docker compose %j config reports no warning', async (profiles) => {
  expect((await project.compose(...profiles, 'config', '--quiet')).stderr).toBe('');
});

it('limits the logs of each container, by size and number of files', async () => {
  const { stdout } = await project.compose('--profile', '*', 'config', '--format', 'json');
  const { services } = JSON.parse(stdout) as { services: Record<string, { logging?: unknown }> };
  const logging = { driver: 'json-file', options: { 'max-file': '2', 'max-size': '100m' } };
  expect(services).toEqual(
    Object.fromEntries(Object.keys(services).map((name) => [name, expect.objectContaining({ logging }) as unknown])),
  );
});

it('comes up healthy from nothing', async () => {
  await project.up('--build');
  expect(project.layout.groups.map(({ nodes }) => nodes.length)).toEqual([3]);
  expect(project.layout.brokers).toHaveLength(3);
});

it('runs the tour', async () => {
  const { central, sucursal, read } = project;
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
  const orderId = String(placed.body?.['orderId']);
  const seen = await read.get(`/orders/${orderId}`, { 'ecomarket-position': `order/${orderId}`, prefer: 'wait=30' });
  expect(seen.body?.['orderId']).toBe(orderId);

  const tooMuch = { customerId: 'ana', lines: [{ productId: 'quinoa', quantity: 1000 }] };
  expect((await central.post('/orders', tooMuch, { prefer: 'wait=30' })).status).toBe(409);
  expect((await central.post('/orders', { customerId: '' })).status).toBe(400);
});

// ASVS 5.0: 13.3.2
it('shows no password in an environment, a command or a log, and shows each service only its own', async () => {
  const secrets = await composeSecrets();
  const passwords = [secrets.cookie, ...Object.values(secrets.broker), ...Object.values(secrets.database)];
  const ids = (await project.compose('ps', '--all', '--quiet')).stdout.trim().split('\n');
  const inspected = (await project.docker('inspect', ...ids)).stdout;
  const logs = (await project.compose('logs')).stdout;
  expect(passwords.filter((password) => inspected.includes(password) || logs.includes(password))).toEqual([]);
  const own = (await project.compose('exec', '-T', 'sucursal-api', 'cat', '/run/eco/secrets.json')).stdout;
  expect(passwords.filter((password) => own.includes(password)).sort()).toEqual(
    [secrets.broker['branch.sucursal-1'], secrets.database.eco_reader].sort(),
  );
});

it('leaves nothing behind', async () => {
  await project.compose('down', '--volumes');
  expect(await project.leftovers()).toEqual([]);
});
