import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { composeContainers, composeSecrets } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { pairsOf, reachedPairs, runningContainers, servicesWithWayOut } from './networks.js';
import { Project } from './project.js';

/** compose.yaml as a new user sees it: up, the tour, down. */

let project: Project;

beforeAll(async () => {
  project = await Project.open();
});
afterAll(() => project.remove());

/** An image that the clone builds. */
const OWN_IMAGE = /^ecomarket(-\w+)?:local$/;

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

it('has fewer networks than the default pools of Docker hold, and images of one minor version each', async () => {
  const { stdout } = await project.compose('--profile', '*', 'config', '--format', 'json');
  const { networks, services } = JSON.parse(stdout) as {
    networks: Record<string, unknown>;
    services: Record<string, { image: string }>;
  };
  expect(Object.keys(networks).length).toBeLessThan(25);
  const images = Object.values(services).map(({ image }) => image);
  expect(images.filter((image) => !OWN_IMAGE.test(image) && !/:v?\d+\.\d+[.\w-]*$/.test(image))).toEqual([]);
});

it('has in compose.digests.yaml the images of compose.yaml, and the base of each image that is built', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const names = [
    'NODE',
    'DEBIAN',
    'RABBITMQ',
    'POSTGRES',
    'NGINX',
    'PROMETHEUS',
    'POSTGRES_EXPORTER',
    'ALERTMANAGER',
    'GRAFANA',
  ];
  const given = names.map((name) => `ECO_DIGEST_${name}=${digest}\n`).join('');
  const dir = await mkdtemp(path.join(os.tmpdir(), 'eco-digests-'));
  try {
    const file = path.join(dir, 'env');
    await writeFile(file, given);
    const images = async (...options: string[]) =>
      (await project.compose(...options, '--profile', '*', 'config', '--images')).stdout.split('\n').sort();
    const both = ['--env-file', file, '--file', 'compose.yaml', '--file', 'compose.digests.yaml'];
    const pinned = (await images()).map((image) =>
      image === '' || OWN_IMAGE.test(image) ? image : `${image}@${digest}`,
    );
    expect(await images(...both)).toEqual(pinned);
    const { stdout } = await project.compose(...both, '--profile', '*', 'config', '--format', 'json');
    const { services } = JSON.parse(stdout) as {
      services: Record<string, { build?: { args?: Record<string, string> } }>;
    };
    const builds = Object.values(services).flatMap(({ build }) => (build === undefined ? [] : [build]));
    expect(builds.map(({ args }) => Object.values(args ?? {}))).toEqual(builds.map(() => [`@${digest}`]));
    expect(builds.length).toBeGreaterThan(0);
  } finally {
    await rm(dir, { recursive: true });
  }
});

it('comes up healthy from nothing', async () => {
  await project.up('--build');
  expect(project.system.layout.groups.map(({ nodes }) => nodes.length)).toEqual([3]);
  expect(project.system.layout.brokers).toHaveLength(3);
  const { stdout } = await project.compose('exec', '-T', 'g1-1', ...PATRONICTL, 'list', '--format', 'json');
  const roles = (JSON.parse(stdout) as { Role: string }[]).map(({ Role }) => Role);
  expect(roles.sort()).toEqual(['Leader', 'Quorum Standby', 'Quorum Standby']);
});

const PATRONICTL = ['patronictl', '--config-file', '/run/eco/g1-1.patroni.yml'];

// ASVS 5.0: 12.1.3
it.each([
  ['etcd', 'https://etcd-1:2379/health'],
  ['Patroni', 'https://g1-2:8008/health'],
])('%s answers only who has a certificate of a database node', async (_, url) => {
  const ask = async (...certificate: string[]) =>
    project.compose('exec', '-T', 'g1-1', 'python3', '-c', ASK, url, ...certificate);
  expect((await ask('/run/eco/g1-1.pem')).stdout.trim()).toBe('200');
  await expect(ask()).rejects.toThrow(/certificate required|CERTIFICATE_REQUIRED/);
});

const ASK = `
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile='/run/eco/ca.crt')
for each in sys.argv[2:]: context.load_cert_chain(each)
print(urllib.request.urlopen(sys.argv[1], context=context, timeout=30).status)`;

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

// ASVS 5.0: 13.2.4, 13.2.5
it('lets each container reach only those that it talks to, and gives no way out to brokers, databases and writers', async () => {
  const containers = await runningContainers(project);
  const { permitted, others } = pairsOf(containers);
  expect(permitted.length).toBeGreaterThan(0);
  // A connection that is not made in 2 s is blocked, or the machine is busy: only the first stays so.
  const missing = new Set(permitted);
  await eventually(
    'each container reaches those that it talks to',
    async () => {
      for (const pair of await reachedPairs(project, containers, [...missing])) missing.delete(pair);
      if (missing.size > 0) throw new Error(`not reached: ${[...missing].join(', ')}`);
      return true;
    },
    { deadlineMs: 240_000 },
  );
  expect(await reachedPairs(project, containers, others)).toEqual([]);
  expect((await servicesWithWayOut(project, containers)).sort()).toEqual([
    'central-api-1',
    'central-api-2',
    'forwarder',
    'nginx',
    'read-service',
    'sucursal-api',
  ]);
});

it('gives the first administrator a password, and rotates keys, for a user who has only Docker', async () => {
  const eco = async (...args: string[]) => (await project.compose('run', '--rm', '-T', 'eco', ...args)).stdout.trim();
  const added = await eco('users', 'add', 'admin', '--role', 'administrator', '--json');
  const { password } = JSON.parse(added) as { password: string };
  const loggedIn = await project.central.post('/auth/login', { login: 'admin', password });
  expect(loggedIn.status).toBe(200);
  expect((await project.compose('logs')).stdout).not.toContain(password);

  const older = await eco('token', '--role', 'manager');
  await project.eco('secrets', 'rotate', 'signing-key', '--docker');
  const newer = await eco('token', '--role', 'manager');
  expect(keyIdOf(newer)).not.toBe(keyIdOf(older));
  for (const api of [project.central, project.sucursal, project.read]) {
    for (const token of [older, newer]) {
      const said = await api.get('/orders?branchId=central', { authorization: `Bearer ${token}` });
      expect(said.status).toBe(200);
    }
  }
});

it('starts what is missing by eco up --docker, which ends in a table of what runs where', async () => {
  await project.compose('stop', 'sucursal-api');
  const said = await project.eco('up', '--docker');
  expect(said).toContain(`management UI: user operator`);
  for (const { name } of project.system.layout.services) expect(said).toContain(name);
  const unwell = (await composeContainers()).filter(({ state, health }) => state === 'running' && health !== 'healthy');
  expect([unwell, await stateOf('sucursal-api')]).toEqual([[], 'running']);
});

async function stateOf(service: string): Promise<string | undefined> {
  return (await composeContainers()).find((each) => each.service === service)?.state;
}

it('rotates passwords of the containers, which then use the new ones for sales, reads and replication', async () => {
  const passwords = async () => {
    const { broker, database } = await composeSecrets();
    return [broker.central, database.eco_reader, database.eco_replicator];
  };
  const former = await passwords();
  const names = ['broker/central', 'database/eco_reader', 'database/eco_replicator'];
  await project.eco('secrets', 'rotate', ...names, '--end-sessions', '--docker');
  const present = await passwords();
  expect(present.filter((password) => former.includes(password))).toEqual([]);

  const order = { customerId: 'ana', lines: [{ productId: 'pan-integral', quantity: 1 }] };
  // A commit waits for a replica, so replicas that can't log in would leave the order undecided.
  const placed = await project.central.post('/orders', order, { prefer: 'wait=30' });
  expect(placed.status).toBe(201);
  const position = placed.headers.get('ecomarket-position') ?? '';
  const seen = await eventually('a replica shows the order', async () => {
    const said = await project.read.get(`/orders/${String(placed.body?.['orderId'])}`, {
      'ecomarket-position': position,
      prefer: 'wait=30',
    });
    return /replica/.test(said.headers.get('ecomarket-source') ?? '') && said;
  });
  expect(seen.status).toBe(200);
});

function keyIdOf(token: string): string {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid;
}

// ASVS 5.0: 13.3.2
it('shows no password in an environment, a command or a log, and shows each service only its own', async () => {
  const secrets = await composeSecrets();
  const passwords = [secrets.cookie, ...Object.values(secrets.broker), ...Object.values(secrets.database)];
  const ids = (await project.compose('ps', '--all', '--quiet')).stdout.trim().split('\n');
  const inspected = (await project.docker('inspect', ...ids)).stdout;
  const logs = (await project.compose('logs')).stdout;
  expect(passwords.filter((password) => inspected.includes(password) || logs.includes(password))).toEqual([]);
  const own = (await project.compose('exec', '-T', 'sucursal-api', 'cat', '/run/eco/secrets.json')).stdout;
  expect(passwords.filter((password) => own.includes(password))).toEqual([secrets.broker['branch.sucursal-1']]);
});

it('leaves nothing behind', async () => {
  await project.compose('down', '--volumes');
  expect(await project.leftovers()).toEqual([]);
});
