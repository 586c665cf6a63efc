import { randomBytes } from 'node:crypto';
import { CENTRAL } from '@eco/contracts';
import type { SideConnection } from '@eco/postgres';

const ANSWER_MS = 60_000;

/**
 * The restored database waits for every branch that may hold units which it has forgotten. It promises no unit of the
 * pool until each has sent its entries again. The epoch is random, because the database may have forgotten a restore, too.
 */
export async function awaitBranches(connection: SideConnection, without: readonly string[]): Promise<void> {
  await connection.ask(
    `INSERT INTO eco.awaited_branch (branch_id, epoch)
     SELECT l.location, $1 FROM eco.location l WHERE l.location <> '${CENTRAL}'
     ON CONFLICT (branch_id) DO UPDATE SET epoch = excluded.epoch`,
    [randomBytes(8).toString('hex')],
    ANSWER_MS,
  );
  await connection.ask('DELETE FROM eco.awaited_branch WHERE branch_id = ANY ($1)', [without], ANSWER_MS);
}
