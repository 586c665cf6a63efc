import { readCommands, type Arrived } from '@eco/domain';
import { brokenChecks, verifyGroup } from '@eco/database';
import { arrived, eventually, orderOf, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { startTerm, tryToLead, type LeaderTerm } from './leader-term.js';
import { WriterSession } from './session.js';
import { runBatch } from './test/run-batch.js';

/*
 * What a group stores about a person, and what an erasure leaves of it. erasure.spec.ts of apps/e2e searches the whole
 * system.
 */

let group: DatabaseGroup;
let session: WriterSession;
let leaderTerm: LeaderTerm;

const server = () => group.servers[0] as DatabaseGroup['servers'][number];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  session = await WriterSession.open({ host: server().host, port: server().port }, group.login('eco_writer'));
  await eventually('the lock is free', () => tryToLead(session));
  leaderTerm = await startTerm(session);
});
afterAll(async () => {
  await session?.close();
  await group.stop();
});

async function write(...commands: Arrived[]) {
  const run = await runBatch(session, leaderTerm, commands);
  if (run.type !== 'committed') throw run.error;
  return run.effects;
}

/** Rows of the schema `eco` that contain the text. */
async function rowsWith(text: string): Promise<string[]> {
  const tables = await group.asSuperuser<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'eco'::regnamespace AND c.relkind = 'r'`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await group.asSuperuser<{ row: string }>(
      `SELECT t::text AS row FROM ${name} t WHERE strpos(t::text, $1) > 0`,
      [text],
    );
    found.push(...rows.map(({ row }) => `${name}: ${row}`));
  }
  return found;
}

const letters = () =>
  group.asSuperuser<{ state: string; kind: string | null; command: unknown }>(
    'SELECT state, kind, command FROM eco.dead_letter ORDER BY first_failed_at, command::text',
  );

it.each(['ana', 'Ñandú "la" \\ 🛒'])(
  'of %j leaves neither name nor address, and keeps what others stored',
  async (customerId) => {
    const [name, email] = ['Planted Name', 'Planted.Address@example.com'];
    const register = (id: string, fields: object = {}) =>
      arrived('customer.register', { customerId: id, name, email, branchId: null, ...fields });
    const others = { name: `Other Name ${customerId.length}`, email: 'other@example.com' };
    await write(register(customerId), register(`${customerId}bel`, others));
    // Its history holds each name and address that it had.
    const [newName, newEmail] = ['Planted Married Name', 'Planted.Moved@example.com'];
    await write(arrived('customer.update', { customerId, email: newEmail }));
    await write(arrived('customer.update', { customerId, name: newName }));
    await write(arrived('customer.update', { customerId, name, email }));
    expect((await rowsWith(newEmail)).length).toBe(2);
    const spoiled = (id: string, fields: object) => ({
      version: 1,
      commands: [{ ...register(id, fields).command, stamp: '' }],
    });
    const failing = [
      // Under the same id, as JSON of a command, and as a text that is no JSON.
      readCommands(spoiled(customerId, { email: 'mistyped' }), 'central'),
      readCommands(Buffer.from(JSON.stringify(spoiled(customerId, {})).slice(0, -1)), 'central'),
      // Under another id with the same address, and of another person.
      readCommands(spoiled('someone', { email: email.toLowerCase() }), 'central'),
      readCommands(spoiled(`${customerId}bel`, others), 'central'),
      // Of a change.
      readCommands(
        {
          version: 1,
          commands: [{ ...arrived('customer.update', { customerId, name: newName }).command, stamp: '' }],
        },
        'central',
      ),
      // Of neither a registration nor a change.
      readCommands({ version: 1, commands: [{ ...orderOf(customerId, []).command, stamp: '' }] }, 'central'),
    ].flat();
    await write(...failing);
    expect((await rowsWith(name)).length).toBeGreaterThan(3);

    const { outcomes } = await write(arrived('customer.erase', { customerId }));
    expect(outcomes).toMatchObject([{ status: 'done' }]);
    for (const text of [name, newName, email, newEmail, email.toLowerCase(), 'mistyped'])
      expect(await rowsWith(text)).toEqual([]);
    const kept = (await letters()).map(({ command }) => JSON.stringify(command));
    expect(kept.filter((text) => text === '{"erased":true}')).toHaveLength(4);
    expect(kept.filter((text) => text.includes(others.name))).toHaveLength(1);
    expect(kept.filter((text) => text.includes('order.place'))).toHaveLength(1);
    expect(new Set((await letters()).map(({ state }) => state))).toEqual(new Set(['open']));
    expect(await rowsWith(others.name)).toHaveLength(3);
    expect(await group.asSuperuser('SELECT customer_id, actor FROM eco.erasure')).toEqual([
      { customer_id: customerId, actor: null },
    ]);

    // What arrives late brings nothing back, and a further erasure empties a dead letter that came since.
    expect(await write(register(customerId))).toMatchObject({ outcomes: [{ result: { reason: 'customer-erased' } }] });
    expect(await rowsWith(name)).toEqual([]);
    await write(...readCommands(spoiled(customerId, { email: 'late' }), 'central'));
    expect(await rowsWith(name)).toHaveLength(1);
    await write(arrived('customer.erase', { customerId }));
    expect(await rowsWith(name)).toEqual([]);
    expect(brokenChecks(await verifyGroup(server(), group.login('eco_operator')))).toEqual([]);

    await group.asSuperuser('TRUNCATE eco.dead_letter; TRUNCATE eco.erasure; TRUNCATE eco.customer');
  },
);

/** Files of the server that contain the text. */
async function filesWith(text: string): Promise<string[]> {
  const rows = await group.asSuperuser<{ path: string }>(
    `WITH RECURSIVE f(path, is_dir) AS (
       SELECT '.', true
       UNION ALL
       SELECT f.path || '/' || n, (pg_stat_file(f.path || '/' || n, true)).isdir
       FROM f, pg_ls_dir(f.path, true, false) AS n WHERE f.is_dir
     )
     SELECT f.path FROM f WHERE NOT f.is_dir
       AND position(convert_to($1, 'UTF8') in pg_read_binary_file(f.path, 0, 1000000000, true)) > 0`,
    [text],
  );
  return rows.map(({ path }) => path);
}

it('leaves nothing in the files of the database when vacuum ran, its space was used again, and the WAL was removed', async () => {
  const [name, email] = ['Filed Name', 'filed.address@example.com'];
  const everywhere = async () => [...(await filesWith(name)), ...(await filesWith(email))];
  const register = (customerId: string, fields: object = {}) =>
    arrived('customer.register', { customerId, name: 'Other', email: 'other@example.com', branchId: null, ...fields });
  await write(register('filed', { name, email }));
  await group.asSuperuser('CHECKPOINT');
  expect((await everywhere()).length).toBeGreaterThanOrEqual(6);

  await write(arrived('customer.erase', { customerId: 'filed' }));
  // Autovacuum does this by itself. Rows that are stored later then take the space of the old versions.
  await group.asSuperuser('VACUUM eco.customer, eco.outcome_row');
  for (let batch = 0; batch < 5; batch += 1) {
    await write(...Array.from({ length: 200 }, (_, n) => register(`other-${batch}-${n}`)));
  }
  await group.asSuperuser('CHECKPOINT');
  expect((await everywhere()).filter((file) => !file.startsWith('./pg_wal/'))).toEqual([]);

  // A server keeps old segments of its log and writes over them. Here it removes them, so that this test need not wait.
  for (const setting of ['wal_recycle = off', 'wal_keep_size = 0', `min_wal_size = '32MB'`]) {
    await group.asSuperuser(`ALTER SYSTEM SET ${setting}`);
  }
  await group.asSuperuser('SELECT pg_reload_conf()');
  await eventually('the old segments are removed', async () => {
    await group.asSuperuser('SELECT pg_switch_wal()');
    await group.asSuperuser('CHECKPOINT');
    return (await everywhere()).length === 0;
  });
});
