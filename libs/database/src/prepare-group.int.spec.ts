import { bucketOf, bucketOfId, newOrderId } from '@eco/routing';
import { eventually, seededRandom, startDatabaseGroup, unicodeKey, type DatabaseGroup } from '@eco/testing';
import { SideConnection } from '@eco/postgres';
import { loginRoles, type LoginRole } from './index.js';
import { GroupMismatchError, prepareGroup } from './prepare-group.js';
import { movableTables, nounTables, writtenTables } from './tables/tables.js';

const KEYS = 100_000;
let group: DatabaseGroup;
const opened: SideConnection[] = [];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0, buckets: 64 });
});
afterAll(async () => {
  for (const connection of opened) connection.close();
  await group.stop();
});

const server = () => group.servers[0] as DatabaseGroup['servers'][number];

/** Runs a query as a role. Throws the server's error. */
function as(role: LoginRole): (text: string) => Promise<Record<string, unknown>[]> {
  const { host, port } = server();
  const connection = new SideConnection({ host, port }, group.login(role), 'spec');
  opened.push(connection);
  return (text) => connection.ask(text, [], 10_000);
}

function prepare(change: { buckets?: number; groupId?: string; groupIds?: string[] } = {}): Promise<void> {
  const passwords = Object.fromEntries(loginRoles.map((role) => [role, group.login(role).password]));
  return prepareGroup({
    primary: server(),
    superuser: group.superuser,
    groupId: group.id,
    groupIds: [group.id],
    buckets: group.buckets,
    passwords: passwords as Record<LoginRole, string>,
    ...change,
  });
}

describe('routing in SQL', () => {
  it(`maps ${KEYS} keys of any Unicode to buckets like libs/routing`, async () => {
    const random = seededRandom('buckets');
    const keys = Array.from({ length: KEYS }, () => unicodeKey(random));
    const rows = await group.asSuperuser<{ bucket: number }>(
      'SELECT eco.bucket_of(k.key, $2) AS bucket FROM unnest($1::text[]) WITH ORDINALITY AS k(key, n) ORDER BY k.n',
      [keys, group.buckets],
    );
    expect(rows.map(({ bucket }) => bucket)).toEqual(keys.map((key) => bucketOf(key, group.buckets)));
  });

  it('finds the bucket of an order id', async () => {
    const random = seededRandom('orders');
    const ids = Array.from({ length: 1000 }, (_, index) =>
      newOrderId({ customerId: unicodeKey(random), nowMs: index, random: Buffer.alloc(10, index) }),
    );
    const rows = await group.asSuperuser<{ bucket: number }>(
      'SELECT eco.bucket_of_id(k.id, $2) AS bucket FROM unnest($1::uuid[]) WITH ORDINALITY AS k(id, n) ORDER BY k.n',
      [ids, group.buckets],
    );
    expect(rows.map(({ bucket }) => bucket)).toEqual(ids.map((id) => bucketOfId(id, group.buckets)));
  });
});

describe('preparing a group', () => {
  it('can be repeated and keeps what exists', async () => {
    await group.asSuperuser('UPDATE eco.group_state SET term = 7, seq = 42');
    await prepare();
    const rows = await group.asSuperuser('SELECT group_id, term::int, seq::int FROM eco.group_state');
    expect(rows).toEqual([{ group_id: 'g1', term: 7, seq: 42 }]);
    const owned = await group.asSuperuser(`SELECT FROM eco.bucket_ownership WHERE state = 'owned'`);
    expect(owned).toHaveLength(group.buckets);
  });

  it('rejects another number of buckets and another group', async () => {
    await expect(prepare({ buckets: 32 })).rejects.toThrow(/was made with 64 buckets, which can't become 32/);
    await expect(prepare({ groupId: 'g2', groupIds: ['g1', 'g2'] })).rejects.toThrow(/holds group g1, not g2/);
    await expect(prepare({ groupIds: ['g9'] })).rejects.toThrow(GroupMismatchError);
  });

  it('leaves no password where statements are visible', async () => {
    const rows = await group.asSuperuser<{ rolname: string; rolpassword: string }>(
      `SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'eco\\_%' AND rolcanlogin`,
    );
    expect(rows.map(({ rolname }) => rolname).sort()).toEqual([...loginRoles].sort());
    for (const { rolpassword } of rows) expect(rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/);
  });
});

describe('roles', () => {
  it('allow each role its work', async () => {
    await as('eco_reader')('SELECT FROM eco.change, eco.outcome_full, eco.bucket_ownership');
    await as('eco_central')('DELETE FROM central.customer');
    await as('eco_monitor')('SELECT FROM eco.group_state');
    expect(await as('eco_central')('SHOW synchronous_commit')).toEqual([{ synchronous_commit: 'local' }]);
    expect(await as('eco_reader')('SHOW statement_timeout')).toEqual([{ statement_timeout: '5s' }]);
  });

  it('own no table that they write', async () => {
    const rows = await group.asSuperuser(
      `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('eco', 'central', 'statistics', 'notifications') AND c.relowner <> 'eco_owner'::regrole`,
    );
    expect(rows).toEqual([]);
  });
});

/** Tables without a bucket column, each with the reason. */
const otherTables: Record<string, string> = {
  'eco.awaited_branch': 'is written by a restore of this group',
  'eco.bucket_ownership': 'states which buckets this group owns',
  'eco.dead_letter_action': 'has the rows of a dead letter, and moves with it',
  'eco.erased_registration': 'has the registration of an erasure, and moves with it',
  'eco.group_state': 'is the position and clock of this group',
  'eco.group_term': 'is the history of this group’s leaders',
  'eco.location': 'is the same in every group',
  'eco.migration': 'is the history of this database',
  'eco.setting': 'is the same in every group',
  'eco.suspect': 'lists commands that this group’s writer tries alone',
};

describe('the descriptors of tables', () => {
  const byColumn = (one: { column: string }, other: { column: string }) => (one.column < other.column ? -1 : 1);

  it('name every table that has rows of a bucket', async () => {
    const rows = await group.asSuperuser<{ name: string; has_bucket: boolean }>(
      `SELECT c.oid::regclass::text AS name, EXISTS (
         SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'bucket' AND NOT a.attisdropped
       ) AS has_bucket
       FROM pg_class c WHERE c.relnamespace = 'eco'::regnamespace AND c.relkind = 'r'`,
    );
    const movable = rows.filter(({ name, has_bucket }) => has_bucket && !(name in otherTables));
    expect(movable.map(({ name }) => name).sort()).toEqual(movableTables.map(({ name }) => name).sort());
    const others = rows.filter((row) => !movable.includes(row));
    expect(others.map(({ name }) => name).sort()).toEqual(Object.keys(otherTables));
  });

  it.each(nounTables.map((table) => [table.name, table] as const))('state the columns of %s', async (name, table) => {
    const rows = await group.asSuperuser<{ column: string; type: string; is_nullable: boolean }>(
      `SELECT a.attname AS column, format_type(a.atttypid, null) AS type, NOT a.attnotnull AS is_nullable
       FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped`,
      [name],
    );
    const stated = Object.values(table.columns).map(({ name: column, type, isNullable }) => ({
      column,
      type: type === 'timestamptz' ? 'timestamp with time zone' : type,
      is_nullable: isNullable,
    }));
    const ofTheBatch = [
      ...(writtenTables.includes(table) ? ['seq'] : []),
      ...(table.insertedAt ? [table.insertedAt] : []),
      ...(table.formerSeqs ? [table.formerSeqs] : []),
    ];
    const ownColumns = rows.filter(({ column }) => !ofTheBatch.includes(column));
    expect(ownColumns).toHaveLength(rows.length - ofTheBatch.length);
    expect(ownColumns.sort(byColumn)).toEqual(stated.sort(byColumn));
  });
});

it('blocks no other statement while a migration waits for a table that a long statement reads', async () => {
  const [holder, other, admin] = [
    as('eco_operator'),
    as('eco_operator'),
    new SideConnection(server(), group.superuser, 'spec'),
  ];
  opened.push(admin);
  // Restores the state before the migration.
  await admin.ask(
    `ALTER TABLE eco.tombstone DROP COLUMN at;
     DROP INDEX eco.dead_letter_closed, eco.dead_letter_key_conflicts;
     DROP FUNCTION eco.remove_dead_letters;
     DELETE FROM eco.migration WHERE name LIKE 'Retention%'`,
    [],
    10_000,
  );
  await holder('BEGIN');
  await holder('SELECT FROM eco.tombstone');
  let isPrepared = false;
  const preparing = prepare().then(() => (isPrepared = true));
  const waits = `SELECT FROM pg_locks WHERE relation = 'eco.tombstone'::regclass AND NOT granted`;
  await eventually('the migration waits', async () => (await admin.ask(waits, [], 10_000)).length > 0);
  // A statement behind the migration is answered as soon as the migration gives up, long before the holder ends.
  expect(await other('SELECT FROM eco.tombstone')).toEqual([]);
  expect(isPrepared).toBe(false);
  await holder('COMMIT');
  await preparing;
  expect(await other('SELECT at FROM eco.tombstone')).toEqual([]);
});
