import { slotName } from '@eco/database';
import { isInClass, SideConnection, SQLSTATE_CLASS } from '@eco/postgres';
import type { DatabaseNode } from './layout.js';
import { until } from './until.js';

const PROMOTE_S = 60;
const FOLLOW_MS = 60_000;
const ASK_MS = 10_000;

/** Promotes a replica. `password`: the superuser's. Resolves when the node accepts writes. */
export async function promote(node: DatabaseNode, password: string): Promise<void> {
  const promoted = async () => {
    try {
      const [row] = await ask(
        node,
        password,
        `SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(true, ${PROMOTE_S}) ELSE true END AS promoted`,
        [],
        PROMOTE_S * 1000 + 5000,
      );
      return row?.['promoted'] === true;
    } catch (error) {
      // A replica that replays old log cancels statements that conflict with it, and this one waits for its end.
      if (isInClass((error as { code?: string }).code, SQLSTATE_CLASS.rolledBack)) return false;
      throw error;
    }
  };
  await until(`${node.name} did not become a primary`, promoted, { deadlineMs: PROMOTE_S * 1000 });
}

/**
 * Makes a replica follow `primary`, which it reaches by `connection` (a conninfo). Its slot on the primary is created
 * first, so that the log that it lacks is kept. Uses the superuser of both nodes. Resolves when the replica streams.
 */
export async function follow(
  replica: DatabaseNode,
  primary: DatabaseNode,
  connection: string,
  password: string,
): Promise<void> {
  const slot = slotName(replica.name);
  await ask(
    primary,
    password,
    `SELECT pg_create_physical_replication_slot($1, true)
     WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1)`,
    [slot],
  );
  // ALTER SYSTEM takes no parameters.
  await ask(replica, password, `ALTER SYSTEM SET primary_conninfo = '${connection.replaceAll("'", "''")}'`);
  await ask(replica, password, 'SELECT pg_reload_conf()');
  const streams = async () => {
    const rows = await ask(
      primary,
      password,
      `SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'`,
      [replica.name],
    );
    return rows.length > 0;
  };
  await until(`${replica.name} did not follow ${primary.name}`, streams, { deadlineMs: FOLLOW_MS });
}

async function ask(
  node: DatabaseNode,
  password: string,
  text: string,
  values: unknown[] = [],
  deadlineMs = ASK_MS,
): Promise<Record<string, unknown>[]> {
  const connection = new SideConnection(node, { user: 'postgres', password }, 'eco cluster');
  try {
    return await connection.ask(text, values, deadlineMs);
  } finally {
    connection.close();
  }
}
