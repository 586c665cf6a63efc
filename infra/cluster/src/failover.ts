import { slotName } from '@eco/database';
import type { Password } from '@eco/base';
import { isInClass, SideConnection, SQLSTATE_CLASS } from '@eco/postgres';
import type { DatabaseNode } from './layout.js';
import { until } from './until.js';

const PROMOTE_S = 60;
const FOLLOW_MS = 60_000;
const ASK_MS = 10_000;

/**
 * The superuser at one node. It logs in at the first statement and stays logged in, because a log-in costs a busy machine
 * more than most statements. Statements that are asked together run one after the other, in one round trip.
 */
export class Superuser {
  readonly #connection: SideConnection;

  constructor(
    readonly node: DatabaseNode,
    password: Password,
  ) {
    this.#connection = new SideConnection(node, { user: 'postgres', password }, 'eco failover');
  }

  ask<R extends Record<string, unknown>>(text: string, values: unknown[] = [], deadlineMs = ASK_MS): Promise<R[]> {
    return this.#connection.ask<R>(text, values, deadlineMs);
  }

  /** Changes a setting of the server, and makes it effective. ALTER SYSTEM takes no parameters. */
  async alterSystem(change: string): Promise<void> {
    await Promise.all([this.ask(`ALTER SYSTEM ${change}`), this.ask('SELECT pg_reload_conf()')]);
  }

  /** The next statement logs in again. */
  close(): void {
    this.#connection.close();
  }
}

/** Runs `work` with a log-in of its own at the node. */
export async function asSuperuser<T>(
  node: DatabaseNode,
  password: Password,
  work: (at: Superuser) => Promise<T>,
): Promise<T> {
  const at = new Superuser(node, password);
  try {
    return await work(at);
  } finally {
    at.close();
  }
}

/** Promotes a replica. Resolves when the node accepts writes. */
export async function promote(at: Superuser): Promise<void> {
  const promoted = async () => {
    try {
      const [row] = await at.ask(
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
  await until(`${at.node.name} did not become a primary`, promoted, { deadlineMs: PROMOTE_S * 1000 });
}

/**
 * Makes a replica follow `primary`, which it reaches by `connection` (a conninfo). Its slot on the primary is created
 * first, so that the log that it lacks is kept. Resolves when the replica streams.
 */
export async function follow(replica: Superuser, primary: Superuser, connection: string): Promise<void> {
  const { name } = replica.node;
  await createSlots(primary, [replica.node]);
  await setSource(replica, connection);
  const streams = async () => {
    const rows = await primary.ask(
      `SELECT FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming'`,
      [name],
    );
    return rows.length > 0;
  };
  await until(`${name} did not follow ${primary.node.name}`, streams, { deadlineMs: FOLLOW_MS });
}

/** Creates the missing slots of other nodes, from which on the log is kept for them. A replica can have slots, too. */
export async function createSlots(on: Superuser, others: readonly Pick<DatabaseNode, 'name'>[]): Promise<void> {
  await on.ask(
    `SELECT pg_create_physical_replication_slot(wanted.slot, true) FROM unnest($1::text[]) AS wanted(slot)
     WHERE NOT EXISTS (SELECT FROM pg_replication_slots s WHERE s.slot_name = wanted.slot)`,
    [others.map(({ name }) => slotName(name))],
  );
}

/** Sets the conninfo by which a replica receives log. Empty: it receives none. */
export function setSource(replica: Superuser, connection: string): Promise<void> {
  return replica.alterSystem(`SET primary_conninfo = '${connection.replaceAll("'", "''")}'`);
}
