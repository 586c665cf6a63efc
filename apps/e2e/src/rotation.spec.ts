import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { OwnToken, type BranchKey } from '@eco/access';
import { sleep, type Login } from '@eco/base';
import { BrokerConnection } from '@eco/broker';
import {
  nativeInstallation,
  openSecrets,
  PROJECT_DIR,
  rotateSecret,
  secretNames,
  type Installation,
} from '@eco/cluster';
import { loginRoles } from '@eco/database';
import { SideConnection, SQLSTATE } from '@eco/postgres';
import { eventually } from '@eco/testing';
import { openSystem, type Said, type System } from './system/system.js';

/** Every password and key is replaced while people buy and read. */
let system: System;
let installation: Installation;
beforeAll(async () => {
  system = await openSystem();
  installation = nativeInstallation(system.dataDir, system.layout);
});

const PRODUCT = 'rotation';
const PAUSE_MS = 20;
/** Time for which a till repeats an order that was not accepted. A branch has no journal, so it needs its brokers. */
const REPEAT_MS = 10_000;

class Load {
  readonly sales = { accepted: [] as string[], refused: [] as string[], repeated: [] as string[] };
  readonly failedReads: string[] = [];
  reads = 0;
  /** What the test does now. */
  now = 'nothing';
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  begin(): void {
    for (const n of [1, 2]) {
      this.#run((sale) => this.#sell('central', `rotation-central-${n}`, sale));
      this.#run((sale) => this.#sell('sucursal', `rotation-sucursal-${n}`, sale));
    }
    this.#run(() => this.#read('read', `/products/${PRODUCT}`));
    this.#run(() => this.#read('central', '/orders?customerId=rotation-central-1'));
    this.#run(() => this.#read('central', '/statistics/daily'));
    this.#run(() => this.#read('sucursal', `/inventory/${PRODUCT}`));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #run(step: (n: number) => Promise<void>): void {
    const run = async () => {
      for (let n = 0; !this.#stop.signal.aborted; n += 1) {
        await step(n);
        await sleep(PAUSE_MS);
      }
    };
    this.#running.push(run());
  }

  async #sell(api: 'central' | 'sucursal', customerId: string, n: number): Promise<void> {
    const body = { customerId, lines: [{ productId: PRODUCT, quantity: 1 }] };
    const key = { 'idempotency-key': `${customerId}-${n}` };
    const end = performance.now() + REPEAT_MS;
    for (;;) {
      const said = await system[api].post('/orders', body, key).catch(failure);
      if (said.status === 202) {
        this.sales.accepted.push(String(said.body?.['orderId']));
        return;
      }
      const line = `${this.now}: ${api} ${said.status} ${said.text}`;
      if (said.status !== 503 || api === 'central' || performance.now() > end) {
        this.sales.refused.push(line);
        return;
      }
      this.sales.repeated.push(line);
      await sleep(PAUSE_MS);
    }
  }

  async #read(api: 'central' | 'sucursal' | 'read', url: string): Promise<void> {
    const said = await system[api].get(url).catch(failure);
    this.reads += 1;
    if (said.status !== 200) this.failedReads.push(`${this.now}: ${api} ${url} ${said.status} ${said.text}`);
  }
}

function failure(error: Error): Pick<Said, 'status' | 'text' | 'body'> {
  return { status: 0, text: String(error), body: undefined };
}

/** A password by the name of its secret, such as `database/eco_reader`. */
async function loginOf(name: string): Promise<Login> {
  const [server, user = ''] = name.split('/');
  const secrets = await openSecrets(system.dataDir);
  const passwords: Readonly<Record<string, string>> = server === 'database' ? secrets.database : secrets.broker;
  return { user, password: passwords[user] ?? '' };
}

/** Whether each server accepts the log-in. */
async function answersTo(name: string, login: Login): Promise<string[]> {
  if (name.startsWith('broker/')) return [await brokerAnswerTo(login)];
  return Promise.all(system.group.nodes.map((node) => databaseAnswerTo(node, login)));
}

async function databaseAnswerTo(node: System['group']['nodes'][number], login: Login): Promise<string> {
  using connection = new SideConnection(node, login, 'eco e2e');
  try {
    await connection.ask('SELECT 1', [], 10_000);
    return 'accepted';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === SQLSTATE.invalidPassword ? 'refused' : message;
  }
}

async function brokerAnswerTo(login: Login): Promise<string> {
  const brokers = system.layout.brokers.map(({ host, amqpPort: port }) => ({ host, port }));
  const connection = new BrokerConnection({ access: { brokers, ...login }, name: 'eco e2e' });
  connection.start();
  try {
    return await eventually(`an answer to ${login.user}`, () => {
      const { state } = connection;
      if (state.type === 'connected') return 'accepted';
      return (
        state.type === 'disconnected' && state.error && (/ACCESS.REFUSED/.test(state.error) ? 'refused' : state.error)
      );
    });
  } finally {
    await connection.stop();
  }
}

/** Ends one open connection of the secret's user. Undefined: it has none. Otherwise waits for a new one. */
async function endOneConnection(name: string): Promise<void> {
  const [, user = ''] = name.split('/');
  if (name.startsWith('database/')) {
    for (const node of system.group.nodes) {
      const ended = await system.sql<{ n: number }>(
        `SELECT count(pg_terminate_backend(pid))::int AS n FROM
           (SELECT pid FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid() LIMIT 1) one`,
        [user],
        { node, role: 'postgres' },
      );
      if (ended[0]?.n === 1) return;
    }
    return;
  }
  const open = await system.management('GET', `/connections/username/${encodeURIComponent(user)}`);
  const [first] = open as { name: string }[];
  if (first) await system.management('DELETE', `/connections/${encodeURIComponent(first.name)}`);
}

const branchKeys = async () => (await openSecrets(system.dataDir)).tokens.branchKeys;

/** Answer of the read-service to a branch with this key. */
async function statusAsBranch(key: BranchKey | undefined): Promise<number> {
  if (key === undefined) throw new Error('there is no key of a branch');
  return (await system.read.get('/branch/groups', await OwnToken.ofBranch(key).header())).status;
}

const load = new Load();
afterAll(() => load.end());

// ASVS 5.0: 11.2.2, 13.2.1, 13.3.1
it('replaces every password and key while people buy and read: no sale is refused, no read fails, nothing is lost or doubled, and the former passwords are refused', async () => {
  const made = await system.central.post('/products', {
    productId: PRODUCT,
    name: 'Rotation',
    priceCents: 100,
    stock: 1_000_000,
  });
  expect(made.status).toBe(201);
  load.begin();

  // Servers in containers keep this file to themselves; only Compose's own job can replace it.
  const isReplicatorHere = installation.passwordFiles.every(({ file }) => existsSync(file));
  const names = secretNames(await openSecrets(system.dataDir)).filter(
    (name) => isReplicatorHere || name !== 'database/eco_replicator',
  );
  expect(names).toEqual(
    expect.arrayContaining(['broker/branch.sucursal-1', 'broker/writer.g1', 'branch-key/sucursal-1', 'signing-key']),
  );
  expect(names.length).toBeGreaterThanOrEqual(loginRoles.length + 8);
  const wrong: string[] = [];
  for (const name of names) {
    load.now = name;
    const former = await loginOf(name);
    const [formerKey] = await branchKeys();
    await rotateSecret(installation, name);
    if (name === 'signing-key' || name === 'certificates') continue;
    if (name.startsWith('branch-key/')) {
      const [presentKey] = await branchKeys();
      expect(await statusAsBranch(presentKey)).toBe(200);
      await eventually('the former key is refused', async () => (await statusAsBranch(formerKey)) === 401);
      continue;
    }
    await endOneConnection(name);
    const present = await loginOf(name);
    expect(present.password).not.toBe(former.password);
    // The replicator may only replicate, and people's user of the brokers may open no connection.
    const expected = ['database/eco_replicator', 'broker/operator'].includes(name) ? undefined : 'accepted';
    const answers = await answersTo(name, present);
    if (expected !== undefined && answers.some((answer) => answer !== expected))
      wrong.push(`${name} now: ${answers.join()}`);
    const formerAnswers = await answersTo(name, former);
    if (expected !== undefined || name.startsWith('broker')) {
      if (formerAnswers.some((answer) => answer !== 'refused')) wrong.push(`${name} before: ${formerAnswers.join()}`);
    }
  }
  expect(wrong).toEqual([]);

  load.now = 'eco secrets rotate --end-sessions';
  const eco = path.join(PROJECT_DIR, 'apps/eco/bin/eco.js');
  const leaked = ['database/eco_reader', 'broker/central'];
  const rotated = await promisify(execFile)(process.execPath, [
    eco,
    ...['secrets', 'rotate', ...leaked, '--end-sessions', '--data', system.dataDir],
  ]);
  expect(rotated.stdout.trim().split('\n')).toEqual([
    'the database role eco_reader has a new password; its sessions have ended',
    'the broker user central has a new password; its connections have ended',
  ]);

  load.now = 'id-keys';
  await rotateSecret(installation, 'id-keys');

  load.now = 'a writer starts again';
  const [writer] = system.writers;
  const before = system.pidOf(writer?.name ?? '');
  process.kill(before, 'SIGKILL');
  await eventually('the writer is ready again, with the new passwords', async () => {
    const isNew = system.pidOf(writer?.name ?? '') !== before;
    return isNew && (await writer?.operators.get('/health/ready'))?.status === 200;
  });

  await load.end();
  expect(load.sales.refused).toEqual([]);
  expect(load.failedReads).toEqual([]);
  expect(load.sales.accepted.length).toBeGreaterThan(300);
  expect(load.reads).toBeGreaterThan(300);
  await eventually('every accepted order is stored once', async () => {
    const rows = await system.sql<{ order_id: string }>(
      `SELECT order_id::text FROM eco.orders WHERE customer_id LIKE 'rotation-%'`,
    );
    const stored = rows.map(({ order_id: id }) => id).sort();
    return JSON.stringify(stored) === JSON.stringify([...load.sales.accepted].sort());
  });
}, 300_000);
