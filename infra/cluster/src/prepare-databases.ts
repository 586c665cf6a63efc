import { ReplicationWatch, setPassword } from '@eco/database';
import { GroupMismatchError, prepareGroup } from '@eco/database/prepare';
import { logIn } from '@eco/postgres';
import { DescriptionError } from './description.js';
import type { DatabaseNode, GroupLayout } from './layout.js';
import type { Secrets } from './secrets.js';
import { until, type UntilOptions } from './until.js';

/** Turns running servers into a database group, however they were started. */

export interface DatabasePreparation {
  readonly primary: DatabaseNode;
  readonly groupId: string;
  /** All groups of the cluster in the order in which they were added: they share the buckets. */
  readonly groupIds: readonly string[];
  readonly buckets: number;
  /** Locations of stock in addition to `central`: the chain's branches. */
  readonly locations: readonly string[];
  /** Absent: unchanged. */
  readonly timeZone?: string | undefined;
  readonly secrets: Secrets;
}

/**
 * Creates roles, database, schema and buckets. It may run at every start. Throws a `DescriptionError` if other data
 * exists.
 */
export async function prepareDatabases({ primary, secrets, ...group }: DatabasePreparation): Promise<void> {
  const { postgres, ...passwords } = secrets.database;
  const superuser = { user: 'postgres', password: postgres };
  try {
    await logIn(superuserPasswords(secrets), async (password) => {
      if (password !== postgres) {
        await setPassword({
          node: primary,
          superuser: { ...superuser, password },
          role: 'postgres',
          password: postgres,
        });
      }
      await prepareGroup({ primary, superuser, passwords, ...group });
    });
  } catch (error) {
    throw error instanceof GroupMismatchError ? new DescriptionError([error.message]) : error;
  }
}

/** The superuser's password, and another one that is valid if a rotation was interrupted. */
export function superuserPasswords({ database, next }: Secrets): () => string[] {
  return () => [database.postgres, next.database['postgres']].filter((password) => password !== undefined);
}

/**
 * Waits until all other nodes follow one node, and its commits wait for any of them. `missing` nodes are not awaited.
 */
export async function untilReplicasStream(
  { id, nodes }: GroupLayout,
  secrets: Secrets,
  options: UntilOptions,
  missing: () => number = () => 0,
): Promise<void> {
  const watch = new ReplicationWatch(nodes, { user: 'eco_monitor', password: secrets.database.eco_monitor });
  const allStream = async () => {
    const streaming = (await watch.look()).filter(
      ({ role, seenByPrimary: seen }) =>
        role === 'replica' && seen?.state === 'streaming' && seen.syncState === 'quorum',
    );
    return streaming.length >= nodes.length - 1 - missing();
  };
  try {
    await until(`not all replicas of ${id} follow their primary`, allStream, options);
  } finally {
    watch.close();
  }
}
