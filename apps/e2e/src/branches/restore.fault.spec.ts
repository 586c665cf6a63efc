import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  backUp,
  describeCluster,
  ensurePrograms,
  PROJECT_DIR,
  readRun,
  startNative,
  type RunningCluster,
} from '@eco/cluster';
import { SideConnection } from '@eco/postgres';
import { Callers, eventually } from '@eco/testing';
import { Api, type Said } from '../system/system.js';
import { Records } from './records.js';

/*
 * The databases are restored to a position under load, after a wrong statement. The head office forgets what was decided
 * since, the branch does not: it sends its entries again, and no unit is sold twice.
 */

const BRANCH = 'norte';
const PRODUCT = 'restored';
const UNITS = 200;
const ECO = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');

let folder: string;
let dataDir: string;
let system: System;

interface System {
  readonly cluster: RunningCluster;
  readonly central: Api;
  readonly read: Api;
  readonly branch: Api;
  readonly records: Records;
}

/** Starts what `npm start -- --backups` starts. */
async function startSystem(): Promise<System> {
  const description = describeCluster({
    brokers: 1,
    groups: [{ id: 'g1', replicas: 1 }],
    writersPerGroup: 1,
    branchIds: [BRANCH],
    dataDir,
    backupsDir: path.join(folder, 'backups'),
    ports: {
      ...{ amqp: 0, management: 0, erlang: 0, postgres: 0 },
      ...{ central: 0, sucursal: 0, branches: 0, read: 0, operators: 0 },
    },
  });
  const cluster = await startNative(description, { endWithUs: 'the cluster' });
  const callers = new Callers(() => cluster.system.tokens);
  const api = (app: string) => new Api(cluster.services.find(({ name }) => name === app)?.url ?? '', callers);
  return {
    cluster,
    central: api('central-api'),
    read: api('read-service'),
    branch: api('sucursal-api'),
    records: new Records(Object.assign(cluster, { dataDir })),
  };
}

async function manager(): Promise<Record<string, string>> {
  const callers = new Callers(() => system.cluster.system.tokens);
  return callers.as({ id: `manager of ${BRANCH}`, role: 'branch-manager', branchId: BRANCH });
}

/** Sends a request to the branch until it is answered. */
function atBranch(where: string, body: unknown): Promise<Said> {
  const key = randomUUID();
  return eventually(`the branch answers POST ${where}`, async () => {
    const said = await system.branch.post(where, body, { ...(await manager()), 'idempotency-key': key });
    if (said.status >= 300) throw new Error(`${said.status} ${said.text}`);
    return said;
  });
}

async function atCentral(where: string, body: unknown): Promise<Said> {
  const said = await system.central.post(where, body, { 'idempotency-key': randomUUID(), prefer: 'wait=30' });
  if (said.status !== 201) throw new Error(`${said.status} ${said.text}`);
  return said;
}

async function send(quantity: number): Promise<void> {
  const sent = await atCentral('/transfers', { productId: PRODUCT, from: 'central', to: BRANCH, quantity });
  await atBranch(`/transfers/${String(sent.body?.['transferId'])}/receive`, { productId: PRODUCT });
}

function order(quantity: number): Promise<Said> {
  return atCentral('/orders', { customerId: 'web', lines: [{ productId: PRODUCT, quantity }] });
}

async function sell(times: number): Promise<string> {
  const body = {
    till: '1',
    lines: [{ productId: PRODUCT, quantity: 1 }],
    payment: { cash: { moneyReceivedCents: 1_000_000 } },
  };
  let saleId = '';
  for (let time = 0; time < times; time += 1) saleId = String((await atBranch('/sales', body)).body?.['saleId']);
  return saleId;
}

async function statusOfBranch(): Promise<Record<string, unknown>> {
  const { status, text, body } = await system.branch.get('/status', await manager());
  if (status !== 200 || body === undefined) throw new Error(`${status} ${text}`);
  return body;
}

async function remaining(): Promise<number> {
  const { body } = await system.branch.get('/inventory?limit=1000', await manager());
  const { items } = body as unknown as { items: readonly { productId: string; remaining: number }[] };
  return items.find((item) => item.productId === PRODUCT)?.remaining ?? 0;
}

async function asSuperuser(sql: string): Promise<void> {
  const node = system.cluster.groups[0]?.nodes[0];
  if (node === undefined) throw new Error('there is no database');
  using connection = new SideConnection(node, system.cluster.system.databaseLogin('postgres'), 'test');
  await connection.ask(sql, [], 30_000);
}

async function untilDelivered(): Promise<void> {
  await eventually('the branch has delivered everything', async () => {
    const { journal, frozen } = (await statusOfBranch()) as { journal?: { depth?: number }; frozen?: string | null };
    return journal?.depth === 0 && frozen === null;
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'eco-restore-'));
  dataDir = path.join(folder, 'data');
  system = await startSystem();
  await atCentral('/products', { productId: PRODUCT, name: PRODUCT, priceCents: 1_160, stock: UNITS });
  await send(30);
  await atBranch('/tills', { till: '1', name: 'Till 1' });
  await atBranch('/shifts', { till: '1', openingCents: 0 });
  await sell(2);
}, 300_000);

afterAll(async () => {
  await system?.cluster.destroy();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test('a restore to a position under load: old positions are lost, the branch is reconciled, and no unit is sold twice', async () => {
  const { pgbackrest = '' } = await ensurePrograms(() => undefined, { backups: true });
  const run = readRun(dataDir);
  if (run?.backupsDir === undefined) throw new Error('the run names no folder of backups');
  let ordered = 0;
  let isBackedUp = false;
  const backup = backUp({ program: pgbackrest, dataDir, run, backupsDir: run.backupsDir, kind: 'full' }).finally(() => {
    isBackedUp = true;
  });
  // The backup is made while orders and sales go on.
  while (!isBackedUp && ordered < 10) {
    await Promise.all([order(1), sell(1)]);
    ordered += 1;
  }
  await backup;
  await sell(2);
  await untilDelivered();
  const position = (await order(2)).headers.get('ecomarket-position') ?? '';
  ordered += 2;

  // From here on the head office forgets: a transfer, sales, a void and an order.
  await send(7);
  const voided = await sell(3);
  await atBranch(`/sales/${voided}/void`, { reason: 'wrong article' });
  const lost = (await order(4)).headers.get('ecomarket-position') ?? '';
  await untilDelivered();
  const pageOf = (after: string) => system.read.get(`/changes?topic=orders&after=${after}`);
  const lostCursor = String((await pageOf('0')).body?.['next']);
  const before = { remaining: await remaining(), sales: (await system.records.sales(BRANCH)).length };
  await asSuperuser('DELETE FROM eco.stock_level');

  // While the databases are restored, the branch has sold what the head office has never seen.
  await system.cluster.stop();
  const args = ['restore', '--to', position, '--backups', path.join(folder, 'backups'), '--data', dataDir];
  const { stdout } = await promisify(execFile)(process.execPath, [ECO, ...args]);
  expect(stdout).toContain(`g1: restored to ${position}`);
  system = await startSystem();

  const reading = await system.read.get(`/products/${PRODUCT}`, { 'ecomarket-position': lost });
  expect(reading).toMatchObject({ status: 410, body: { type: expect.stringContaining('position-lost') as string } });
  expect((await pageOf(lostCursor)).status).toBe(410);
  expect((await system.read.get(`/products/${PRODUCT}`, { 'ecomarket-position': position })).status).toBe(200);

  await eventually('the branch has sent its entries again', async () => {
    const { incarnation, frozen } = await statusOfBranch();
    return incarnation === 2 && frozen === null;
  });
  expect(await remaining()).toBe(before.remaining);
  await sell(2);
  await order(5);
  await untilDelivered();
  const sales = await eventually('all sales are at the head office', async () => {
    const found = await system.records.sales(BRANCH);
    return found.length === before.sales + 2 && found;
  });
  expect(sales.filter(({ excess }) => excess > 0)).toEqual([]);
  // The order between the position and the restore is forgotten.
  expect(await system.records.orderedUnits(PRODUCT)).toBe(ordered + 5);
  const units = await system.records.units(PRODUCT);
  const sold = sales.reduce((sum, { quantity }) => sum + quantity, 0) - 1;
  expect(units[BRANCH]).toBe(await remaining());
  expect((units['central'] ?? 0) + (units[BRANCH] ?? 0) + sold).toBe(UNITS);
  expect(await system.records.violations()).toEqual([]);
}, 400_000);
