import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { openSecrets } from '@eco/cluster';
import { headers, LAG_UNKNOWN, type Problem } from '@eco/contracts';
import { eventually } from '@eco/testing';
import { startSecond, type SecondService } from './system/second-service.js';
import { openSystem, type Api, type System } from './system/system.js';

/* A branch has no password of a database: the read-service answers its reads. */

let system: System;
const productId = `branch-${randomUUID().slice(0, 8)}`;
const started: SecondService[] = [];

beforeAll(async () => {
  system = await openSystem();
  const product = { productId, name: 'Of the branch', priceCents: 100, stock: 1_000_000 };
  expect((await system.central.post('/products', product, { prefer: 'wait=30' })).status).toBe(201);
  await system.sucursal.found(`/products/${productId}`);
});
afterAll(async () => {
  for (const each of started) await each.stop();
});

const order = { customerId: 'branch-ana', lines: [{ productId, quantity: 1 }] };

describe('the process of a branch', () => {
  /** Ports of the databases to which a process has connections. */
  function databasePortsOf(pid: number): number[] {
    const inodes = readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        // It was closed meanwhile.
        return undefined;
      }
    });
    const lines = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1);
    const remote = lines.map((line) => line.trim().split(/\s+/)).filter((cells) => inodes.includes(cells[9]));
    const ports = remote.map((cells) => Number.parseInt(cells[2]?.split(':')[1] ?? '', 16));
    return ports.filter((port) => system.layout.groups.some(({ nodes }) => nodes.some((node) => node.port === port)));
  }

  // ASVS 5.0: 13.3.2
  it('has no password of a database in its files, and no session in any database', async () => {
    const { database } = await openSecrets(system.dataDir);
    const secretsOf = (name: string) => readFileSync(path.join(system.dataDir, 'secrets', `${name}.json`), 'utf8');
    const passwordsIn = (text: string) => Object.entries(database).filter(([, password]) => text.includes(password));
    expect(passwordsIn(secretsOf('read-service')).map(([role]) => role)).toEqual([
      'eco_reader',
      'eco_pins',
      'eco_monitor',
    ]);
    expect(passwordsIn(secretsOf('sucursal-api'))).toEqual([]);
    expect(secretsOf('sucursal-api')).not.toMatch(/eco_|database/);
    const sessions = await system.sql<{ name: string }>(
      'SELECT DISTINCT application_name AS name FROM pg_stat_activity',
      [],
      { role: 'postgres' },
    );
    const names = sessions.map(({ name }) => name);
    expect(names).toContain('read-service');
    expect(names.filter((name) => name.includes('sucursal'))).toEqual([]);
  });

  it('has no password or address of a database in its environment, and no connection to one', async () => {
    if (!existsSync('/proc/self/environ')) return;
    const { database } = await openSecrets(system.dataDir);
    const environmentOf = (name: string) => readFileSync(`/proc/${system.pidOf(name)}/environ`, 'utf8');
    const addresses = system.layout.groups.flatMap(({ nodes }) => nodes.map(({ host, port }) => `${host}:${port}`));
    const found = (name: string) =>
      [...addresses, ...Object.values(database)].filter((text) => environmentOf(name).includes(text));
    expect(found('read-service')).toEqual(addresses);
    expect(found('sucursal-api')).toEqual([]);
    expect(databasePortsOf(system.pidOf('read-service')).length).toBeGreaterThan(0);
    expect(databasePortsOf(system.pidOf('sucursal-api'))).toEqual([]);
  });
});

describe('a read at a branch', () => {
  it('states its freshness as at the read-service', async () => {
    const found = await system.sucursal.get(`/products/${productId}`);
    expect(found.status).toBe(200);
    expect(found.headers.get(headers.source)).toMatch(/^g1-\d \((primary|replica)\)$/);
    expect(found.headers.get(headers.lagMs)).toMatch(/^\d+$/);
    const position = found.headers.get(headers.position) ?? '';
    expect(position).toMatch(/^g1=/);
    expect((await system.sucursal.get('/products', { [headers.position]: position })).status).toBe(200);
    const future = position.replace(/\d+$/, '999999999');
    const refused = await system.sucursal.get('/products', { [headers.position]: future });
    expect([refused.status, refused.headers.get(headers.retryAfter)]).toEqual([503, '1']);
    expect(refused.body).toMatchObject({ type: 'urn:ecomarket:problem:not-fresh' });
  });

  it('gets problems with the correlation id of its own request, and lists as CSV', async () => {
    const unknown = await system.sucursal.get(`/products/none-${randomUUID()}`);
    expect(unknown.status).toBe(404);
    expect((unknown.body as Problem).correlationId).toBe(unknown.headers.get(headers.correlationId));
    const [bad, there] = await Promise.all([system.sucursal, system.read].map((api) => api.get('/orders?limit=0')));
    const { correlationId: _, ...violations } = there?.body as Problem;
    expect(violations.faults).toHaveLength(2);
    expect(bad?.body).toEqual({ ...violations, correlationId: bad?.headers.get(headers.correlationId) });
    const csv = await system.sucursal.get('/products', { accept: 'text/csv' });
    expect([csv.status, csv.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(csv.text).toContain(productId);
  });

  it('waits for the decision about an order of the branch', async () => {
    const placed = await system.sucursal.post('/orders', order);
    const orderId = placed.body?.['orderId'] as string;
    const position = placed.headers.get(headers.position) ?? '';
    const read = await system.sucursal.get(`/orders/${orderId}`, { [headers.position]: position, prefer: 'wait=30' });
    expect(read).toMatchObject({ status: 200, body: { status: 'confirmed', branchId: 'sucursal-1' } });
  });

  /** Reads without a pause until the work is over. Returns the answers by status. */
  async function readDuring(api: Api, work: () => Promise<void>): Promise<Map<number, number>> {
    const answers = new Map<number, number>();
    let isOver = false;
    const reader = async () => {
      while (!isOver) {
        const { status } = await api.get(`/products/${productId}`);
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    };
    const readers = Promise.all(Array.from({ length: 8 }, reader));
    await work().finally(() => (isOver = true));
    await readers;
    return answers;
  }

  it('does not fail while the only read-service is killed and restarted', async () => {
    const answers = await readDuring(system.sucursal, async () => {
      const killed = system.pidOf('read-service');
      process.kill(killed, 'SIGKILL');
      await eventually('the read-service is back', async () => {
        return system.pidOf('read-service') !== killed && (await system.read.get('/health/ready')).status === 200;
      });
    });
    expect([...answers.keys()]).toEqual([200]);
  });

  it('does not fail while one of two read-services stalls or is killed', async () => {
    const second = await startSecond(system, 'read-service', {});
    const branch = await startSecond(system, 'sucursal-api', {
      ECO_BRANCH_ID: 'sucursal-1',
      ECO_READ_SERVICES: `${second.url},${system.read.url}`,
      // Two databases must not report as one branch. Nothing listens on port 1.
      ECO_BROKERS: '127.0.0.1:1',
    });
    started.push(second, branch);
    const state = async () => {
      const ready = await branch.operators.get('/health/ready');
      return JSON.stringify(ready.body);
    };
    const answers = await readDuring(branch.api, async () => {
      await eventually('both answer', async () => (await state()).includes('2 of 2 answer'));
      second.signal('SIGSTOP');
      await eventually('the stall is noticed', async () => (await state()).includes('1 of 2 answer'));
      second.signal('SIGCONT');
      await eventually('both answer again', async () => (await state()).includes('2 of 2 answer'));
      second.signal('SIGKILL');
      await eventually('the end is noticed', async () => (await state()).includes('1 of 2 answer'));
    });
    expect([...answers.keys()]).toEqual([200]);
  });
});

describe('while no read-service answers, a branch', () => {
  let pid: number;
  let orderId: string;
  beforeAll(async () => {
    const placed = await system.sucursal.post('/orders', order, { prefer: 'wait=30' });
    orderId = placed.body?.['orderId'] as string;
    const decidedMs = Date.now();
    const cashier = await system.callers.as({ id: 'till', role: 'cashier', branchId: 'sucursal-1' });
    await eventually('the branch has copies of the product and of the order', async () => {
      const { body } = await system.sucursal.get('/status', cashier);
      // It looks for changes of every topic once a second.
      const isLater = Date.parse(String(body?.['contactAt'])) > decidedMs + 3_000;
      return isLater && (await system.sucursal.get('/inventory', cashier)).text.includes(productId);
    });
    pid = system.pidOf('read-service');
    process.kill(pid, 'SIGSTOP');
  });
  afterAll(async () => {
    process.kill(pid, 'SIGCONT');
    await system.sucursal.found(`/products/${productId}`);
  });

  it('answers what it does not store with 503 and the time to retry', async () => {
    const refused = await eventually('the stall is noticed', async () => {
      const said = await system.sucursal.get('/statistics/sales');
      return said.status === 503 && said;
    });
    expect(refused.headers.get(headers.retryAfter)).toBe('1');
    expect(refused.body).toMatchObject({ type: 'urn:ecomarket:problem:no-node' });
    expect((refused.body as Problem).detail).toMatch(/^no read-service answers/);
  });

  it('reads its catalogue itself and says so, unless the reader demands a freshness', async () => {
    const copied = await system.sucursal.get(`/products/${productId}`);
    expect(copied).toMatchObject({ status: 200, body: { productId, priceCents: 100 } });
    expect(copied.headers.get(headers.source)).toBe('sucursal-1 (branch)');
    expect(copied.headers.get(headers.lagMs)).toBe(LAG_UNKNOWN);
    expect(copied.headers.get(headers.position)).toBeNull();
    const fresh = await system.sucursal.get(`/products/${productId}`, { [headers.lagMsMax]: '60000' });
    expect(fresh.status).toBe(503);
  });

  it('shows what became of its orders', async () => {
    const read = await system.sucursal.get(`/orders/${orderId}`);
    expect(read).toMatchObject({ status: 200, body: { orderId, status: 'confirmed', lines: [{ productId }] } });
    expect(read.headers.get(headers.source)).toBe('sucursal-1 (branch)');
  });

  it('takes orders, and has them decided', async () => {
    for (let n = 0; n < 20; n += 1) expect((await system.sucursal.post('/orders', order)).status).toBe(202);
    const decided = await system.sucursal.post('/orders', order, { prefer: 'wait=30' });
    expect(decided.status).toBe(201);
  });

  it('refuses stock commands at once, because it knows no clock of their group', async () => {
    const reservation = { ...order, ttlSeconds: 60 };
    const refused = await eventually('the group is seen as stalled', async () => {
      const said = await system.sucursal.post('/reservations', reservation, { 'idempotency-key': randomUUID() });
      return said.status === 503 && said;
    });
    expect(refused.body).toMatchObject({ type: 'urn:ecomarket:problem:not-accepted' });
  });
});

// ASVS 5.0: 8.2.1
it('the feed of changes needs the token of an integration', async () => {
  const feed = '/changes?topic=orders&group=g1';
  expect((await system.read.get(feed, { authorization: '' })).status).toBe(401);
  expect((await system.read.get(feed, await system.callers.as({ id: 'm', role: 'manager' }))).status).toBe(403);
  expect((await system.read.get(feed)).status).toBe(200);
});
