import { Client, DatabaseError, type ClientConfig } from 'pg';
import { DATABASE_NAME } from '@eco/postgres';
import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { prepareGroup } from '../prepare-group.js';
import { databaseRoles, loginRoles, roleLimits, type LoginRole } from './roles.js';

/*
 * Statements that each role may not run. Each is sent to a real server and must be refused for a missing right. The
 * session has lifted the limits that its role has by default.
 */

let group: DatabaseGroup;
const opened: Client[] = [];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 1 });
}, 120_000);
afterEach(() => Promise.all(opened.splice(0).map((client) => client.end())));
afterAll(() => group.stop());

const server = (index = 0) => group.servers[index] as DatabaseGroup['servers'][number];

async function open(
  role: LoginRole | 'postgres',
  config: ClientConfig & { replication?: string } = {},
): Promise<Client> {
  const { host, port } = server();
  const login = role === 'postgres' ? group.superuser : group.login(role);
  const client = new Client({ host, port, ...login, database: DATABASE_NAME, ...config });
  client.on('error', () => undefined);
  await client.connect();
  opened.push(client);
  return client;
}

/** Prepares the group again, as each start does. */
function prepareAgain(): Promise<void> {
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, group.login(role).password]));
  return prepareGroup({
    primary: server(),
    superuser: group.superuser,
    groupId: group.id,
    groupIds: [group.id],
    buckets: group.buckets,
    passwords: passwords as Record<LoginRole, string>,
  });
}

/** SQLSTATE with which the server refuses the work. Undefined: it refuses nothing. */
async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof DatabaseError) return error.code;
    throw error;
  }
}

const NO_RIGHT = '42501';
const NO_LOGIN = '28000';
const LOCK = 0x0ec0;

/** A statement; `alone`: the server allows it only outside a transaction. */
interface Case {
  readonly text: string;
  readonly alone?: true;
}

const text = (statement: string): Case => ({ text: statement });
const alone = (statement: string): Case => ({ text: statement, alone: true });

const locks = [
  'pg_advisory_lock',
  'pg_advisory_lock_shared',
  'pg_advisory_xact_lock',
  'pg_advisory_xact_lock_shared',
  'pg_try_advisory_lock',
  'pg_try_advisory_lock_shared',
  'pg_try_advisory_xact_lock',
  'pg_try_advisory_xact_lock_shared',
].flatMap((name) => [`${name}(${LOCK})`, `${name}(0, ${LOCK})`]);

const serverCases = [
  text('SELECT rolpassword FROM pg_authid'),
  text('SELECT passwd FROM pg_shadow'),
  text(`SELECT pg_read_file('postgresql.conf')`),
  text(`SELECT pg_ls_dir('.')`),
  text(`SELECT pg_reload_conf()`),
  text(`SELECT pg_switch_wal()`),
  text(`SELECT pg_promote()`),
  text(`SELECT pg_create_physical_replication_slot('mine')`),
  text(`SELECT pg_drop_replication_slot('g1_2')`),
  text(`COPY (SELECT 1) TO PROGRAM 'true'`),
  text(`COPY (SELECT 1) TO '/tmp/mine'`),
  text(`CREATE TEMP TABLE mine AS SELECT pg_stat_file('postgresql.conf')`),
  alone(`ALTER SYSTEM SET work_mem = '8GB'`),
  alone('CREATE DATABASE mine'),
  alone(`ALTER DATABASE ${DATABASE_NAME} SET statement_timeout = 0`),
];

const roleCases = [
  text('SET ROLE postgres'),
  text('SET SESSION AUTHORIZATION postgres'),
  text('CREATE ROLE mine'),
  text('ALTER ROLE eco_reader SUPERUSER'),
  text('ALTER ROLE eco_reader CONNECTION LIMIT -1'),
  text(`ALTER ROLE postgres PASSWORD 'mine'`),
  text('GRANT pg_signal_backend TO eco_reader'),
  text('SET ROLE eco_guard'),
  text('SET ROLE eco_slots'),
];

const settingCases = [
  text('SET temp_file_limit = -1'),
  text('SET log_statement = none'),
  text('SET session_replication_role = replica'),
  text(`SET session_preload_libraries = 'mine'`),
  text(`LOAD 'mine'`),
];

const objectCases = [
  text('CREATE TABLE public.mine (id int)'),
  text('CREATE TEMP TABLE mine (id int)'),
  text('CREATE SCHEMA mine'),
  text('CREATE EXTENSION pgcrypto SCHEMA eco'),
  text(`CREATE FUNCTION public.mine() RETURNS int LANGUAGE c AS 'mine'`),
  text('SELECT lo_create(0)'),
  text(`SELECT lo_from_bytea(0, 'x')`),
  text(`SELECT pg_logical_emit_message(false, 'x', 'x')`),
  text(`SELECT pg_logical_emit_message(true, 'x', 'x'::bytea)`),
];

/** Statements that the migrator may run, because it is a member of the owner. */
const schema = [
  text('CREATE TABLE eco.mine (id int)'),
  text('CREATE FUNCTION eco.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$'),
  text('DO $$ BEGIN PERFORM pg_sleep(0); END $$'),
  text('SET ROLE eco_owner'),
];

const writersOnly = [
  text(`SELECT eco.fence(0, '00000000', 0)`),
  text(`SELECT eco.send_heartbeat('00000000', 0)`),
  text(`SELECT eco.remove_dead_letters('{}', '{}')`),
  text(`SELECT eco.empty_copies_of_customers('{}')`),
  text(`SELECT eco_slots.renew_absent_slot('g1_2')`),
  text('SELECT eco_guard.end_long_transactions()'),
  text('SELECT eco_guard.oldest_xmin_age()'),
  text(`SELECT eco_guard.note_position(1, '00000000', 1)`),
];

/** The consumer of customers erases their accounts. */
const consumersOnly = [text(`SELECT identity.erase_customers('{}')`)];

const forEveryRole = [...serverCases, ...roleCases, ...settingCases, ...objectCases];

/** Tables from which the role may delete. */
const mayDelete: Partial<Record<LoginRole, RegExp>> = {
  eco_writer: /^eco\.(hold|suspect|tombstone|cart|cart_item|customer)$/,
  eco_central: /^central\./,
  eco_statistics: /^statistics\./,
  eco_notifications: /^notifications\./,
};

/** Statements that the writer may not run, because they change final data or data that it does not own. */
const decided = [
  text('UPDATE eco.outcome_row SET seq = 0'),
  text('UPDATE eco.movement_row SET reserved = 0'),
  text('UPDATE eco.orders SET total_cents = 0'),
  text('UPDATE eco.orders SET body_hash = NULL'),
  text('UPDATE eco.orders SET customer_id = $$$$'),
  text('UPDATE eco.group_term SET tag = $$$$'),
  text('UPDATE eco.dead_letter_action SET operator = $$$$'),
  text('UPDATE eco.bucket_ownership SET epoch = 9'),
  text('UPDATE eco.setting SET value = 1'),
  text('INSERT INTO eco.location VALUES ($$mine$$)'),
  text('SELECT FROM central.customer'),
  text('SELECT FROM notifications.notification'),
];

/** Runs each case as the role. Returns the number of cases, and those that were not refused. */
async function attempt(role: LoginRole, cases: readonly Case[]): Promise<{ tried: number; allowed: string[] }> {
  const client = await open(role);
  await client.query('SET default_transaction_read_only = off; SET statement_timeout = 0; SET lock_timeout = 1000');
  const allowed: string[] = [];
  for (const each of cases) {
    if (!each.alone) await client.query('BEGIN');
    const refusal = await refusalOf(client.query(each.text));
    if (!each.alone) await client.query('ROLLBACK');
    if (refusal !== NO_RIGHT) allowed.push(`${role}: ${each.text}: ${refusal ?? 'done'}`);
  }
  return { tried: cases.length, allowed };
}

async function tables(): Promise<string[]> {
  const rows = await group.asSuperuser<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname IN ('eco', 'central', 'statistics', 'notifications') AND c.relkind = 'r' ORDER BY name`,
  );
  return rows.map(({ name }) => name);
}

let tried = 0;
const expectRefused = async (role: LoginRole, cases: readonly Case[]) => {
  const { tried: number, allowed } = await attempt(role, cases);
  tried += number;
  expect(allowed).toEqual([]);
};

describe.each(databaseRoles)('%s', (role) => {
  // ASVS 5.0: 13.2.2
  it('has no right on the server, other roles, settings or files', async () => {
    const own = role === 'eco_migrator' ? forEveryRole : [...forEveryRole, ...schema];
    await expectRefused(role, own);
  });

  it('takes no advisory lock, but the writer takes the leader’s', async () => {
    const mine = `pg_try_advisory_lock(${LOCK})`;
    const others = locks.filter((lock) => role !== 'eco_writer' || lock !== mine);
    await expectRefused(
      role,
      others.map((lock) => text(`SELECT ${lock}`)),
    );
    if (role !== 'eco_writer') return;
    const client = await open(role);
    expect((await client.query(`SELECT ${mine} AS is_mine`)).rows).toEqual([{ is_mine: true }]);
  });

  it('logs in to no other database, and copies no server', async () => {
    for (const database of ['postgres', 'template1']) {
      expect([database, await refusalOf(open(role, { database }))]).toEqual([database, NO_LOGIN]);
    }
    expect(await refusalOf(open(role, { replication: 'true' }))).toBe(NO_LOGIN);
    expect(await refusalOf(open(role, { password: 'wrong' }))).toBe('28P01');
    tried += 4;
  });

  // The migrator is a member of the owner, which may change all tables.
  if (role === 'eco_migrator') return;

  // ASVS 5.0: 13.2.2
  it('changes no table but its own, and calls no function of the writer', async () => {
    const cases = (await tables()).flatMap((name) => [
      text(`TRUNCATE ${name}`),
      text(`DROP TABLE ${name}`),
      text(`ALTER TABLE ${name} DISABLE TRIGGER ALL`),
      ...(mayDelete[role]?.test(name) ? [] : [text(`DELETE FROM ${name}`)]),
      // A role may lock rows that it may change.
      ...(mayDelete[role] ? [] : [text(`SELECT FROM ${name} FOR UPDATE`)]),
      ...(mayDelete[role] ? [] : [text(`LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`)]),
    ]);
    if (role !== 'eco_central') cases.push(...consumersOnly);
    await expectRefused(role, [...cases, ...(role === 'eco_writer' ? decided : writersOnly)]);
  });
});

it('the replicator only copies the server', async () => {
  for (const database of [DATABASE_NAME, 'postgres', 'template1']) {
    expect([database, await refusalOf(open('eco_replicator', { database }))]).toEqual([database, NO_LOGIN]);
  }
});

it('the reader sees only the columns of dead letters and tombstones that a read route shows', async () => {
  await expectRefused('eco_reader', [
    text('SELECT command FROM eco.dead_letter'),
    text('SELECT sent_by FROM eco.dead_letter'),
    text('SELECT * FROM eco.dead_letter'),
    text('SELECT * FROM eco.tombstone'),
    text('SELECT FROM eco.dead_letter_action'),
    text('SELECT FROM eco.suspect'),
    text('SELECT FROM central.customer'),
    text('SELECT FROM notifications.notification'),
  ]);
  const reader = await open('eco_reader');
  await reader.query('SELECT state, reason, actor FROM eco.dead_letter');
  await reader.query('SELECT reason, author FROM eco.tombstone');
  const operator = await open('eco_operator');
  await operator.query('SELECT * FROM eco.dead_letter, eco.dead_letter_action, eco.suspect, eco.tombstone, eco.orders');
});

it('hashes of PINs are visible to one role, which sees nothing else of accounts', async () => {
  for (const role of databaseRoles.filter((name) => !['eco_pins', 'eco_identity', 'eco_migrator'].includes(name))) {
    await expectRefused(role, [
      text('SELECT FROM identity.branch_pin'),
      text('SELECT pin_hash FROM identity.account'),
      text('SELECT FROM identity.account'),
    ]);
  }
  await expectRefused('eco_pins', [
    text('SELECT FROM identity.account'),
    text('SELECT FROM identity.session'),
    text('SELECT FROM identity.revoked_session'),
    text('SELECT FROM eco.orders'),
    text('SELECT FROM eco.group_position'),
    text(`UPDATE identity.account SET pin_hash = ''`),
  ]);
  const pins = await open('eco_pins');
  await pins.query('SELECT pin_hash FROM identity.branch_pin');
});

it('no role except the monitor sees the activity of other roles', async () => {
  const monitor = await open('eco_monitor');
  await monitor.query(`SELECT 'seen'`);
  for (const role of databaseRoles.filter((name) => name !== 'eco_monitor')) {
    const client = await open(role);
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE query LIKE '%seen%' AND usename = 'eco_monitor'`,
    );
    expect([role, rows]).toEqual([role, []]);
  }
});

it('the tests above tried at least 175 cases', () => {
  expect(tried).toBeGreaterThan(175);
});

describe('PUBLIC', () => {
  it.each(['postgres', 'template1', DATABASE_NAME])('has nothing in %s that harms others', async (database) => {
    const superuser = await open('postgres', { database });
    const { rows } = await superuser.query(`
SELECT 'database ' || d.datname AS what FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
WHERE a.grantee = 0 AND d.datname = current_database()
UNION ALL SELECT 'schema ' || n.nspname FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
WHERE a.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'language ' || l.lanname FROM pg_language l, aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a
WHERE a.grantee = 0 AND l.lanpltrusted
UNION ALL SELECT 'function ' || p.oid::regprocedure
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE a.grantee = 0 AND p.proname ~ '(advisory|^lo_|^loread$|^lowrite$|emit_message)'
UNION ALL SELECT 'table ' || c.oid::regclass FROM pg_class c, aclexplode(c.relacl) a
WHERE a.grantee = 0 AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`);
    expect(rows).toEqual([]);
  });
});

describe('connections', () => {
  it('are left for the writer and the superuser while every other role holds all of its own', async () => {
    await eventually('the sessions of earlier tests end', async () => {
      const rows = await group.asSuperuser(
        `SELECT FROM pg_stat_activity WHERE usename LIKE 'eco\\_%' AND usename <> 'eco_replicator'`,
      );
      return rows.length === 0;
    });
    for (const role of databaseRoles.filter((name) => name !== 'eco_writer')) {
      await Promise.all(Array.from({ length: roleLimits[role].connections }, () => open(role)));
      expect([role, await refusalOf(open(role))]).toEqual([role, '53300']);
    }
    await Promise.all(Array.from({ length: roleLimits.eco_writer.connections }, () => open('eco_writer')));
    expect(await refusalOf(open('eco_writer'))).toBe('53300');
    await open('postgres');
  });

  it('are limited for every login role', () => {
    expect(Object.keys(roleLimits).sort()).toEqual([...loginRoles].sort());
  });
});

it('a start on an older data folder revokes the rights that earlier versions and PostgreSQL granted', async () => {
  for (const database of ['template1', DATABASE_NAME]) {
    const superuser = await open('postgres', { database });
    await superuser.query(`GRANT CONNECT, TEMP ON DATABASE ${database} TO PUBLIC`);
    await superuser.query('GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint), lo_create(oid) TO PUBLIC');
    await superuser.query('GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC');
  }
  await group.asSuperuser(`ALTER DATABASE ${DATABASE_NAME} OWNER TO eco_owner`);
  await group.asSuperuser('GRANT pg_read_all_stats TO eco_writer');
  await group.asSuperuser('ALTER ROLE eco_reader CONNECTION LIMIT -1');
  await prepareAgain();
  await expectRefused('eco_reader', forEveryRole);
  await expectRefused('eco_reader', [text(`SELECT pg_advisory_lock(${LOCK})`)]);
  await expectRefused('eco_migrator', objectCases);
  const [row] = await group.asSuperuser(
    `SELECT pg_has_role('eco_writer', 'pg_read_all_stats', 'MEMBER') AS sees_all, r.rolconnlimit AS connections,
       has_database_privilege('eco_reader', 'template1', 'CONNECT') AS connects
     FROM pg_roles r WHERE r.rolname = 'eco_reader'`,
  );
  expect(row).toEqual({ sees_all: false, connections: roleLimits.eco_reader.connections, connects: false });
});

it('a start undoes the changes that a role made to itself', async () => {
  const reader = await open('eco_reader');
  await reader.query('SET default_transaction_read_only = off');
  await reader.query('ALTER ROLE eco_reader SET statement_timeout = 0');
  await reader.query(`ALTER ROLE eco_reader IN DATABASE ${DATABASE_NAME} SET default_transaction_read_only = off`);
  await prepareAgain();
  const again = await open('eco_reader');
  const { rows } = await again.query(
    `SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'default_transaction_read_only') ORDER BY name`,
  );
  expect(rows).toEqual([
    { name: 'default_transaction_read_only', setting: 'on' },
    { name: 'statement_timeout', setting: '5000' },
  ]);
});
