import { bucketsOf, evenPlacement } from '@eco/routing';
import { Client } from 'pg';
import type { Address, Login } from '@eco/base';
import { migrate } from './migrations/migrate.js';
import { DATABASE_NAME, serverAt, settingsOption } from '@eco/postgres';
import {
  guardSql,
  passwordsSql,
  rolesSql,
  schemasSql,
  sealSql,
  slotFunctionSql,
  UNLOGGED,
  type LoginRole,
} from './roles/roles.js';

export interface GroupPreparation {
  primary: Address;
  superuser: Login;
  groupId: string;
  /** All groups of the cluster in the order in which they were added, including this one: they share the buckets. */
  groupIds: readonly string[];
  /** BUCKETS of the cluster. */
  buckets: number;
  passwords: Readonly<Record<LoginRole, string>>;
  /** Locations of stock in addition to `central`: the chain's branches. A branch once named stays. */
  locations?: readonly string[];
  /** IANA time zone of the chain's days. Absent: unchanged, UTC at first. */
  timeZone?: string | undefined;
}

/** The existing data belongs to another cluster description, and nothing was changed. */
export class GroupMismatchError extends Error {
  override name = 'GroupMismatchError';
}

/**
 * Prepares a running primary for a group: roles, database, migrations and, the first time, the group's row and its
 * buckets. It may run at every start. It waits for no replica, because there may be none yet. If a failover loses its
 * changes, the next start makes them again.
 */
export async function prepareGroup(preparation: GroupPreparation): Promise<void> {
  const { primary, passwords } = preparation;
  const others = await asSuperuser(preparation, 'postgres', async (client) => {
    await client.query(rolesSql());
    const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database WHERE datallowconn');
    const names = rows.map(({ datname }) => datname);
    if (!names.includes(DATABASE_NAME)) {
      // Collation C: text sorts by its bytes, the same on every machine and as JavaScript compares stamps. No upgrade
      // of the system's C library can then corrupt the order of an index. Character classes are still Unicode's.
      await client.query(
        `CREATE DATABASE ${DATABASE_NAME} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'`,
      );
    }
    await client.query(UNLOGGED);
    await client.query(passwordsSql(passwords));
    return names.filter((name) => name !== DATABASE_NAME);
  });
  for (const name of others) await asSuperuser(preparation, name, (client) => client.query(sealSql()));
  await asSuperuser(preparation, DATABASE_NAME, async (client) => {
    // These statements run in one transaction, so that the leader never lacks its right to the lock.
    await client.query([sealSql(), schemasSql(), slotFunctionSql(), guardSql()].join(';\n'));
  });
  await migrate(primary, passwords.eco_migrator);
  await asSuperuser(preparation, DATABASE_NAME, (client) => describeGroup(client, preparation));
}

/**
 * Describes the group in its tables. The description is written once and compared afterwards, with two exceptions:
 * locations may be added each time, and another time zone changes the days, so statistics are counted again.
 */
async function describeGroup(client: Client, preparation: GroupPreparation): Promise<void> {
  const { groupId, groupIds, buckets, locations = [], timeZone } = preparation;
  const mine = bucketsOf(evenPlacement(buckets, groupIds), groupId);
  if (mine.length === 0) throw new GroupMismatchError(`the group ${groupId} is not among ${groupIds.join(', ')}`);
  await client.query('BEGIN');
  await client.query(`INSERT INTO eco.setting (name, value) VALUES ('buckets', $1) ON CONFLICT DO NOTHING`, [
    String(buckets),
  ]);
  const fresh = await client.query(
    `INSERT INTO eco.group_state (group_id, term, tag, leader_tag, timeline, seq, heartbeat, at)
     SELECT $1, 0, '00000000', '00000000', 0, 0, 1, eco.clock() WHERE NOT EXISTS (SELECT FROM eco.group_state)`,
    [groupId],
  );
  if (fresh.rowCount === 1) {
    await client.query(
      `INSERT INTO eco.bucket_ownership (bucket, state, epoch, seq) SELECT unnest($1::smallint[]), 'owned', 1, 0`,
      [mine],
    );
  }
  await client.query('INSERT INTO eco.location SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [locations]);
  const { rows } = await client.query<{ group_id: string; buckets: string }>(
    `SELECT g.group_id, s.value AS buckets FROM eco.group_state g, eco.setting s WHERE s.name = 'buckets'`,
  );
  const stored = rows[0];
  const faults: string[] = [];
  if (stored?.group_id !== groupId) faults.push(`it holds group ${stored?.group_id}, not ${groupId}`);
  if (stored?.buckets !== String(buckets)) {
    faults.push(`it was made with ${stored?.buckets} buckets, which can't become ${buckets}: keys would change places`);
  }
  if (faults.length === 0 && timeZone !== undefined) await setTimeZone(client, timeZone);
  await client.query(faults.length === 0 ? 'COMMIT' : 'ROLLBACK');
  if (faults.length > 0) {
    throw new GroupMismatchError(
      `the database at ${client.host}:${client.port} has different data: ${faults.join('; ')}`,
    );
  }
}

async function setTimeZone(client: Client, timeZone: string): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE eco.setting SET value = $1 WHERE name = 'time-zone' AND value <> $1`,
    [timeZone],
  );
  if (rowCount === 0) return;
  const known = await client.query('SELECT FROM pg_timezone_names WHERE name = $1', [timeZone]);
  if (known.rowCount === 0) {
    throw new GroupMismatchError(
      `the PostgreSQL at ${client.host}:${client.port} does not know the time zone ${timeZone}: name another one, or update its time zone database`,
    );
  }
  await client.query('SELECT statistics.rebuild()');
}

async function asSuperuser<T>(
  { primary, superuser }: GroupPreparation,
  database: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionTimeoutMillis: 5000,
    ...serverAt(primary),
    ...superuser,
    database,
    options: settingsOption({ synchronous_commit: 'local', lock_timeout: '10s' }),
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
