import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import type { Address } from '@eco/base';
import { eventually } from '@eco/testing';
import { startSecond } from './system/second-service.js';
import { codeOf, signUp } from './system/sign-up.js';
import { openSystem, type System } from './system/system.js';

/**
 * A name and an address are planted through every route that takes one. After the erasure, no table of any node, no
 * journal, no queue and no log contains them. libs/writer/src/erasure.int.spec.ts searches the files of the database.
 */
let system: System;
beforeAll(async () => (system = await openSystem()));

const suffix = Date.now().toString(36);
const name = `Plantada Única ${suffix}`;
const email = `Planted.${suffix}@example.com`;
const password = 'a long enough password';
/** In any spelling: a log may contain a URL, and a hash of an address starts from lower case. */
const planted = [name, email, email.toLowerCase(), encodeURIComponent(name), encodeURIComponent(email)];

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [
    path.join(PROJECT_DIR, 'apps/eco/bin/eco.js'),
    ...args,
    '--data',
    system.dataDir,
  ]);
const eco = (...args: string[]) => run('customers', ...args);

// The other files of this run count dead letters.
afterAll(async () => {
  await run('dead-letters', 'discard', '--all', '--reason', 'sent by a test', '--yes');
});

/** Rows of all tables of a node that contain one of the texts. */
async function rowsWith(texts: readonly string[], node: Address): Promise<string[]> {
  const asked = { node, role: 'postgres' as const };
  const tables = await system.sql<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')`,
    [],
    asked,
  );
  expect(tables.length).toBeGreaterThan(20);
  const found: string[] = [];
  for (const { name: table } of tables) {
    const rows = await system.sql<{ row: string }>(
      `SELECT t::text AS row FROM ${table} t WHERE EXISTS (SELECT FROM unnest($1::text[]) s WHERE strpos(t::text, s) > 0)`,
      [texts],
      asked,
    );
    found.push(...rows.map(({ row }) => `${table}: ${row.slice(0, 200)}`));
  }
  return found;
}

/** Files of the data folder that contain one of the texts. The servers' own folders are not logs and not journals. */
async function filesWith(texts: readonly string[], dir: string, without: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) {
      if (!without.includes(entry.name)) found.push(...(await filesWith(texts, file, without)));
    } else if (entry.isFile()) {
      const content = await readFile(file);
      if (texts.some((text) => content.includes(text))) found.push(file);
    }
  }
  return found;
}

const nodes = () => system.layout.groups.flatMap((group) => group.nodes);

/** All nodes, because a replica may be behind. */
async function everywhere(texts: readonly string[]): Promise<string[]> {
  const found = [];
  for (const node of nodes()) found.push(...(await rowsWith(texts, node)));
  return found;
}

it('leaves a planted name and address in no table, journal, queue or log', async () => {
  const central = await startSecond(system, 'central-api', { ECO_LOG_LEVEL: 'trace', ECO_CONSUMERS: '' });
  try {
    await central.api.post('/products', { productId: `kept-${suffix}`, name: 'Kept', priceCents: 100, stock: 50 });
    const customerId = await signUp({ central: central.api, sql: system.sql.bind(system) }, { name, email, password });
    const asCustomer = await system.callers.as({ id: 'planted', role: 'customer', customerId });

    // Other routes that take a name or an address, also with errors, and an unread code.
    const log = { login: email, password };
    expect((await central.api.post('/auth/login', log, { authorization: '' })).status).toBe(200);
    await central.api.post('/auth/login', { login: email, password: `not ${password}` }, { authorization: '' });
    await codeOf({ central: central.api, sql: system.sql.bind(system) }, email);
    await central.api.post('/auth/password-reset', { email }, { authorization: '' });
    await central.api.get(`/customers?email=${encodeURIComponent(email)}`);
    await central.api.post('/customers', { customerId: 'bad id \u0000', name, email });
    for (const api of [central.api, system.sucursal, system.read]) {
      const found = await api.post('/customers/search', { email: email.toLowerCase() });
      expect(found.status).toBe(200);
    }
    const visit = { customerId: `visit-${suffix}`, name, email };
    expect((await system.sucursal.post('/customers', visit, { prefer: 'wait=30' })).status).toBe(201);

    // A message that becomes a dead letter, and an order that stays.
    const broken = {
      id: 'not an id',
      kind: 'customer.register',
      stamp: '',
      sentBy: 'spec',
      correlationId: 'spec',
      body: { customerId, name, email, branchId: null },
    };
    await system.putOnQueue('orders.g1', JSON.stringify({ version: 1, commands: [broken] }));
    await system.putOnQueue('orders.g1', JSON.stringify({ version: 1, commands: [broken] }).slice(0, -1));
    const lines = [{ productId: `kept-${suffix}`, quantity: 2 }];
    const placed = await central.api.post('/orders', { lines }, { ...asCustomer, prefer: 'wait=30' });
    expect(placed.status).toBe(201);

    const before = await eventually('all copies are there', async () => {
      const rows = await everywhere(planted);
      const has = (table: string, count = 1) => rows.filter((row) => row.startsWith(`${table}:`)).length >= count;
      const isWhole =
        ['eco.customer', 'eco.outcome_row', 'central.customer', 'notifications.notification', 'identity.mail'].every(
          (table) => has(table),
        ) && has('eco.dead_letter', 2);
      return isWhole && rows;
    });
    expect(before.length).toBeGreaterThan(10);

    // The person asks for it; the head office erases the second registration.
    const erased = await central.api.send('DELETE', `/customers/${customerId}`, undefined, asCustomer);
    expect(erased.status).toBe(204);
    const { stdout } = await eco('erase', visit.customerId);
    expect(stdout).toBe('erased: 1\n');

    expect(
      await eventually('every copy is empty', async () => {
        const rows = await everywhere(planted);
        return rows.length === 0 && 'none';
      }),
    ).toBe('none');
    // The sessions and the account have ended.
    await eventually('the token is refused', async () => {
      const { status } = await central.api.post('/auth/login', log, { authorization: '' });
      return status === 401;
    });
    expect((await central.api.get(`/customers/${customerId}`)).status).toBe(404);

    // What arrives late brings nothing back.
    const late = await system.sucursal.post('/customers', visit, { prefer: 'wait=30', 'idempotency-key': 'late' });
    expect(late).toMatchObject({ status: 409, body: { type: 'urn:ecomarket:problem:customer-erased' } });
    const order = await central.api.get(`/orders/${String(placed.body?.['orderId'])}`);
    expect(order).toMatchObject({ status: 200, body: { customerId, status: 'confirmed', totalCents: 200 } });

    await eventually('the queues are empty', async () => {
      const found = await system.management('GET', '/queues/ecomarket');
      const queues = found as { name: string; messages?: number }[];
      const full = queues.filter(({ messages = 0 }) => messages > 0);
      if (full.length > 0) throw new Error(full.map(({ name, messages }) => `${name} has ${messages}`).join(', '));
      return queues.length > 0;
    });
    expect(await everywhere(planted)).toEqual([]);
  } finally {
    await central.stop();
  }
  // Logs of all processes and servers, journals, run files and secrets.
  const [logs, others] = [path.join(system.dataDir, 'log'), ['postgres', 'rabbitmq']];
  expect((await readdir(logs)).length).toBeGreaterThan(3);
  const secondLog = await readFile(path.join(logs, 'second-central-api.log'), 'utf8');
  expect(secondLog).toContain('[e-mail address]');
  expect(await filesWith(planted, system.dataDir, others)).toEqual([]);
});

it('is applied again by the list of erasures, as after a restore', async () => {
  const customerId = `restored-${suffix}`;
  const person = { customerId, name: `Restored ${suffix}`, email: `restored.${suffix}@example.com` };
  expect((await system.central.post('/customers', person, { prefer: 'wait=30' })).status).toBe(201);
  const [row] = await system.sql<Record<string, unknown>>('SELECT * FROM eco.customer WHERE customer_id = $1', [
    customerId,
  ]);
  await eco('erase', customerId);
  const list = path.join(system.dataDir, 'erasures.json');
  const { stdout } = await eco('erasures', '--json');
  expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ customerId, by: 'eco manager' }));
  await writeFile(list, stdout);

  // An older backup has the customer and not the erasure.
  await system.sql('DELETE FROM eco.erasure WHERE customer_id = $1', [customerId], { role: 'postgres' });
  const columns = ['customer_id', 'seq', 'registered_at', 'bucket', 'name', 'email', 'branch_id'];
  await system.sql(
    `INSERT INTO eco.customer (${columns.join(', ')}) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    columns.map((column) => row?.[column]),
    { role: 'postgres' },
  );
  await system.central.found(`/customers/${customerId}`);

  await eco('erase', '--from', list);
  await eventually('it is erased again', async () => (await everywhere([person.name])).length === 0);
  expect((await system.central.get(`/customers/${customerId}`)).status).toBe(404);

  // Statistics go on counting the registrations of erased customers.
  const checked = await run('verify', '--json').catch((error: Error & { stdout: string }) => error);
  const { groups } = JSON.parse(checked.stdout) as { groups: { checks: { name: string; offences: number }[] }[] };
  expect(groups.flatMap(({ checks }) => checks.filter(({ offences }) => offences > 0))).toEqual([]);
});
