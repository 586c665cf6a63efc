import { sleep, type Address, type Login } from '@eco/base';
import { serverAt, settingsOption } from '@eco/postgres';
import { Client } from 'pg';
import { passwordSql, UNLOGGED, type LoginRole } from './roles.js';

/** A node, and the login of its superuser. */
export interface SuperuserAccess {
  readonly node: Address;
  readonly superuser: Login;
}

/** `node` is the primary. */
export interface NewPassword extends SuperuserAccess {
  readonly role: LoginRole | 'postgres';
  readonly password: string;
}

/** No replica has applied a new password in time. The primary has it. */
export class NotReplicatedError extends Error {
  override readonly name = 'NotReplicatedError';
}

const REPLICATED_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** Sets the password of a role. Sessions that are open stay open. */
export function setPassword({ role, password, ...access }: NewPassword): Promise<void> {
  return asSuperuser(access, async (client) => {
    await client.query(UNLOGGED);
    await client.query(passwordSql(role, password));
  });
}

/**
 * Waits until every replica that streams has applied what the primary has committed so far; `replicas` states how many
 * the group has. Returns the number of replicas that stream. Throws a `NotReplicatedError` if it takes longer than 30 s, or if none
 * streams although the group has some: a promotion could lose the change.
 */
export function untilReplicasApplied(primary: SuperuserAccess, replicas: number): Promise<number> {
  return asSuperuser(primary, async (client) => {
    const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
    const deadline = performance.now() + REPLICATED_MS;
    for (;;) {
      const { rows: streaming } = await client.query<{ has: boolean }>(
        `SELECT coalesce(replay_lsn >= $1::pg_lsn, false) AS has FROM pg_stat_replication WHERE state = 'streaming'`,
        [rows[0]?.lsn],
      );
      if (streaming.every(({ has }) => has) && (replicas === 0 || streaming.length > 0)) return streaming.length;
      if (performance.now() > deadline) {
        throw new NotReplicatedError(
          `${streaming.length} of ${replicas} replicas stream, and not all of them applied the change within ${REPLICATED_MS / 1000} s`,
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
  });
}

/** Ends all sessions of a role on one node, except the one that asks. */
export function endSessions(access: SuperuserAccess, role: LoginRole | 'postgres'): Promise<void> {
  return asSuperuser(access, async (client) => {
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()',
      [role],
    );
  });
}

/** Lets a node read its settings and its certificate again. */
export function reloadSettings(access: SuperuserAccess): Promise<void> {
  return asSuperuser(access, async (client) => {
    await client.query('SELECT pg_reload_conf()');
  });
}

async function asSuperuser<T>({ node, superuser }: SuperuserAccess, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionTimeoutMillis: 5000,
    ...serverAt(node),
    ...superuser,
    database: 'postgres',
    options: settingsOption({ synchronous_commit: 'local', lock_timeout: '10s', statement_timeout: '10s' }),
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
