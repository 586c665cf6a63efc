import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { DatabaseAccess, RunningDatabase } from '@eco/cluster';
import { SideConnection } from '@eco/postgres';

const ASK_MS = 60_000;

/** Runs SQL as the superuser of one node. */
export async function askAt<R extends Record<string, unknown>>(
  node: RunningDatabase,
  superuser: DatabaseAccess,
  text: string,
): Promise<R[]> {
  using connection = new SideConnection(node, superuser, 'eco upgrade');
  return await connection.ask<R>(text, [], ASK_MS);
}

/**
 * From now on nothing changes the database, also after a failover. It ends the sessions that could still write: a
 * session takes this setting over when it begins. The wait is for those that are beginning.
 */
export async function makeReadOnly(primary: RunningDatabase, superuser: DatabaseAccess): Promise<void> {
  const { database } = superuser;
  await askAt(primary, superuser, `ALTER DATABASE ${database} SET default_transaction_read_only = on`);
  await askAt(primary, superuser, 'SELECT pg_sleep(1)');
  await askAt(
    primary,
    superuser,
    `SELECT pg_terminate_backend(a.pid, 10000) FROM pg_stat_activity a
     WHERE a.datname = '${database}' AND a.pid <> pg_backend_pid()`,
  );
}

/**
 * Replaces the database of `to` by a copy of that of `from`, all or nothing. `programs`: folder of pg_dump. Rights to
 * functions of PostgreSQL itself are not copied: 17 has other ones than 15, and the start of the new server grants them.
 */
export async function copyDatabase(
  programs: string,
  from: RunningDatabase,
  to: RunningDatabase,
  { user, password, database }: DatabaseAccess,
): Promise<void> {
  const env = { ...process.env, PGPASSWORD: String(password) };
  const at = ({ host, port }: RunningDatabase) => ['-h', host, '-p', String(port), '-U', user, '-d', database];
  const dump = spawn(path.join(programs, 'pg_dump'), ['-Fc', '-N', 'pg_catalog', ...at(from)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const restore = spawn(
    path.join(programs, 'pg_restore'),
    ['--clean', '--if-exists', '--single-transaction', ...at(to)],
    { env, stdio: [dump.stdout, 'ignore', 'pipe'] },
  );
  let said = '';
  for (const { stderr } of [dump, restore]) stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const codes = await Promise.all([once(dump, 'exit'), once(restore, 'exit')]);
  if (codes.some(([code]) => code !== 0)) throw new Error(`the copy failed: ${said}`);
  await askAt(to, { user, password, database }, 'ANALYZE');
}
