import { slotName } from '@eco/database';
import type { Password } from '@eco/base';
import { isInClass, SideConnection, SQLSTATE_CLASS } from '@eco/postgres';
import type { DatabaseNode } from './layout.js';
import { until } from './until.js';

const PROMOTE_S = 60;
const FOLLOW_MS = 60_000;
const ASK_MS = 10_000;

/** Promotes a replica. `password`: the superuser's. Resolves when the node accepts writes. */
export async function promote(node: DatabaseNode, password: Password): Promise<void> {
  const promoted = async () => {
    try {
      const [row] = await askAsSuperuser(
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
  password: Password,
): Promise<void> {
  await createSlots(primary, [replica], password);
  await setSource(replica, connection, password);
  const streams = async () => {
    const rows = await askAsSuperuser(
      primary,
      password,
      `SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'`,
      [replica.name],
    );
    return rows.length > 0;
  };
  await until(`${replica.name} did not follow ${primary.name}`, streams, { deadlineMs: FOLLOW_MS });
}

/** Creates the missing slots of other nodes, from which on the log is kept for them. A replica can have slots, too. */
export async function createSlots(
  on: DatabaseNode,
  others: readonly Pick<DatabaseNode, 'name'>[],
  password: Password,
): Promise<void> {
  await askAsSuperuser(
    on,
    password,
    `SELECT pg_create_physical_replication_slot(wanted.slot, true) FROM unnest($1::text[]) AS wanted(slot)
     WHERE NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.slot_name = wanted.slot)`,
    [others.map(({ name }) => slotName(name))],
  );
}

/** Sets the conninfo by which a replica receives log. Empty: it receives none. */
export async function setSource(replica: DatabaseNode, connection: string, password: Password): Promise<void> {
  // ALTER SYSTEM takes no parameters.
  const value = connection.replaceAll("'", "''");
  await askAsSuperuser(replica, password, `ALTER SYSTEM SET primary_conninfo = '${value}'`);
  await askAsSuperuser(replica, password, 'SELECT pg_reload_conf()');
}

export async function askAsSuperuser<R extends Record<string, unknown>>(
  node: DatabaseNode,
  password: Password,
  text: string,
  values: unknown[] = [],
  deadlineMs = ASK_MS,
): Promise<R[]> {
  const connection = new SideConnection(node, { user: 'postgres', password }, 'eco cluster');
  try {
    return await connection.ask<R>(text, values, deadlineMs);
  } finally {
    connection.close();
  }
}
