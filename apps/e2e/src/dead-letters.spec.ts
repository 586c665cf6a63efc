import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import { eventually } from '@eco/testing';
import { openSystem, type System } from './system/system.js';

/**
 * Invalid messages in a command queue, and commands that can't be stored, become dead letters with their reason; their
 * neighbours are decided; an operator replays or discards them.
 */
let system: System;
beforeAll(async () => (system = await openSystem()));

type DeadLetter = { command_id: string; reason: string; error_class: string; command: unknown };

/** Those that nobody has settled; other files settle theirs. */
async function deadLetters(): Promise<DeadLetter[]> {
  return system.sql<DeadLetter>(
    `SELECT command_id, reason, error_class, command FROM eco.dead_letter WHERE state = 'open'`,
  );
}

interface Ran {
  code: number;
  text: string;
}

async function eco(...args: string[]): Promise<Ran> {
  const command = [path.join(PROJECT_DIR, 'apps/eco/bin/eco.js'), 'dead-letters', ...args, '--data', system.dataDir];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, command);
    return { code: 0, text: stdout };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

const BAD_ID = '7d9f5b1e-3c7a-4a53-9b8e-0d6f5c4b3a22';

it('keeps a broken message once, however often it arrives, and decides the good command next to a bad one', async () => {
  expect(
    (await system.central.post('/products', { productId: 'broken', name: 'P', priceCents: 1, stock: 5 })).status,
  ).toBe(201);
  const marker = `not JSON at all ${Date.now()}`;
  await system.putOnQueue('orders.g1', marker);
  await system.putOnQueue('orders.g1', marker);
  await system.putOnQueue('products.g1', JSON.stringify({ version: 1, commands: [] }));

  const good = {
    id: '7d9f5b1e-3c7a-4a53-9b8e-0d6f5c4b3a21',
    kind: 'product.update',
    stamp: `${String(Date.now()).padStart(15, '0')}-00000-by-hand`,
    sentBy: 'by-hand',
    correlationId: 'by-hand',
    body: { productId: 'broken', name: 'Changed by hand', priceCents: 2 },
  };
  const bad = {
    ...good,
    id: BAD_ID,
    body: { productId: 'broken', name: '', priceCents: -1, colour: 1 },
  };
  await system.putOnQueue('products.g1', JSON.stringify({ version: 1, commands: [bad, good] }));

  const kept = await eventually('three dead letters', async () => {
    const letters = await deadLetters();
    return letters.length >= 3 && letters;
  });
  expect(kept).toHaveLength(3);
  expect(kept.filter(({ command }) => JSON.stringify(command).includes(marker))).toHaveLength(1);
  const invalid = kept.find(({ command_id }) => command_id === bad.id);
  expect(invalid?.error_class).toBe('invalid');
  for (const fault of ['name', 'priceCents']) expect(invalid?.reason).toContain(fault);

  const product = await eventually('the good command is decided', async () => {
    const said = await system.read.get('/products/broken');
    return said.body?.['priceCents'] === 2 && said;
  });
  expect(product.body).toMatchObject({ name: 'Changed by hand' });
});

it('shows dead letters in groups and one by one; does nothing without --yes', async () => {
  const { text } = await eco();
  expect(text).toMatch(/unreadable.*JSON/);
  expect(text).toMatch(/invalid.*product\.update \/body\/name/);
  const one = await eco('show', BAD_ID);
  expect(one.text).toContain('nothing was done with it yet');
  expect(one.text).toContain('"colour": 1');
  const dry = await eco('replay', '--all');
  expect(dry.text).toContain('nothing was done');
  expect(dry.text).toContain('2 of 3 can only be discarded: what came names no command of its own');
  expect((await eco('replay')).text).toMatch(/^error: say which/);
  const unknown = '7d9f5b1e-3c7a-4a53-9b8e-0d6f5c4b3aff';
  const answer = { code: 2, text: `error: there is no dead letter of the command ${unknown}\n` };
  for (const yes of [[], ['--yes']]) expect(await eco('replay', unknown, ...yes)).toEqual(answer);
  const other = await eco('replay', BAD_ID, '--class', 'rule', '--yes');
  expect(other).toMatchObject({ code: 2, text: expect.stringContaining('does not match the other options') as string });
  expect((await eco('discard', '--all', '--yes')).text).toMatch(/^error: --reason/);
  expect((await eco('show', BAD_ID)).text).toContain('nothing was done with it yet');
});

it('replays a dead letter that fails again; after its discard the sender gets the outcome discarded', async () => {
  expect(await eco('replay', BAD_ID, '--by', 'ana', '--yes')).toMatchObject({
    code: 1,
    text: expect.stringMatching(/dead-letter.*1.*priceCents/) as string,
  });
  const discarded = await eco('discard', '--class', 'invalid', '--reason', 'sent by a test', '--by', 'bo', '--yes');
  expect(discarded).toMatchObject({ code: 0, text: expect.stringMatching(/discarded/) as string });
  const closed = await eco('replay', BAD_ID, '--yes');
  expect(closed).toEqual({ code: 0, text: 'no open dead letter matches\n' });
  const { text } = await eco('show', BAD_ID);
  expect(text).toMatch(/1\. .* replay by ana, dead-letter: /);
  expect(text).toMatch(/2\. .* discard by bo, discarded: sent by a test/);
  // A replica that is behind still shows a dead letter.
  await eventually('a reader sees that it is discarded', async () => {
    const said = await system.read.get(`/commands/${BAD_ID}`);
    expect(said.body).toMatchObject({ commandId: BAD_ID, status: 'discarded' });
    return true;
  });
  expect((await eco()).text).not.toContain(BAD_ID);
});

it('replays a command that the database refused, under the same id, once the cause is gone', async () => {
  const asSuperuser = (text: string) => system.sql(text, [], { role: 'postgres' });
  await asSuperuser(`ALTER TABLE eco.orders ADD CONSTRAINT e2e_not_yet CHECK (customer_id <> 'not-yet') NOT VALID`);
  const order = { customerId: 'not-yet', lines: [{ productId: 'broken', quantity: 1 }] };
  const said = await system.central.post('/orders', order, { prefer: 'wait=30' });
  expect(said).toMatchObject({ status: 500, body: { type: expect.stringContaining('dead-letter') as string } });
  const orderId = said.body?.['commandId'] as string;
  await asSuperuser('ALTER TABLE eco.orders DROP CONSTRAINT e2e_not_yet');
  const place = '23514 orders e2e_not_yet';
  const replayed = await eco('replay', '--class', 'database', '--place', place, '--yes');
  expect(replayed).toMatchObject({ code: 0, text: expect.stringMatching(/done.*1/) as string });
  expect((await system.read.found(`/orders/${orderId}`)).body).toMatchObject({ status: 'confirmed' });
  const again = await eco('replay', orderId, '--yes');
  expect(again.text).toContain('no open dead letter matches');
});

it('keeps the second content of a key unknown to the API separately, to be discarded', async () => {
  const said = await system.central.post(
    '/orders',
    { customerId: 'ida', lines: [{ productId: 'broken', quantity: 1 }] },
    { prefer: 'wait=30', 'idempotency-key': 'twice' },
  );
  expect(said.status).toBe(201);
  const id = said.body?.['orderId'] as string;
  // This command is like one from another process, which has not seen the first one.
  const second = {
    id,
    kind: 'order.place',
    stamp: `${String(Date.now()).padStart(15, '0')}-00000-by-hand`,
    sentBy: 'by-hand',
    correlationId: 'by-hand',
    body: { orderId: id, customerId: 'ida', branchId: null, lines: [{ productId: 'broken', quantity: 2 }] },
  };
  const message = JSON.stringify({ version: 1, commands: [second] });
  await system.putOnQueue('orders.g1', message);
  await system.putOnQueue('orders.g1', message);
  const shown = await eventually('the conflict is shown', async () => {
    const { body } = await system.read.found(`/commands/${id}`);
    return body?.['keyConflicts'] !== undefined && body;
  });
  expect(shown).toMatchObject({ status: 'done', keyConflicts: 1, result: { lines: [{ quantity: 1 }] } });
  const kept = (await deadLetters()).filter(({ command_id }) => command_id === id);
  expect(kept).toMatchObject([{ error_class: 'key-conflict', command: second }]);

  expect((await eco()).text).toMatch(/key conflicts: .*can only be discarded[^]*order\.place/);
  const replayed = await eco('replay', id, '--yes');
  expect([replayed.code, replayed.text]).toEqual([
    1,
    expect.stringContaining('can only be discarded: another request was decided first under its id') as string,
  ]);
  expect((await eco('discard', id, '--reason', 'used twice', '--yes')).code).toBe(0);
  expect((await eco()).text).not.toContain('key conflicts');
  expect((await system.read.found(`/orders/${id}`)).body).toMatchObject({ status: 'confirmed' });
});

it('keeps accepting and deciding orders', async () => {
  const said = await system.central.post(
    '/orders',
    { customerId: 'gus', lines: [{ productId: 'broken', quantity: 1 }] },
    { prefer: 'wait=30' },
  );
  expect(said.status).toBe(201);
});
