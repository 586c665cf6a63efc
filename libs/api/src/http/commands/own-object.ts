import { reachesObject, type Caller, type Owner } from '@eco/access';
import type { ProblemName } from '@eco/contracts';
import type { CommandIntake } from '@eco/intake';
import type { Query } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { problem } from '@eco/service';
import { answered } from '../read-answer.js';

/** A stored object on which a command acts: the query that reads it by its id, and its owner. */
export interface StoredObject<Row> {
  readonly query: Query<Row, unknown>;
  readonly ownerOf: (row: Row) => Owner;
  /** The problem that an unknown id gets. */
  readonly unknown: ProblemName;
}

/**
 * Responds to staff of another branch as to an unknown id. Other callers need no check here: the command contains the
 * customer of the token, and the writer's rules compare it. An id that no node shows yet is accepted, because a
 * cancellation may overtake its order.
 */
export async function refuseForeign<Row>(
  intake: CommandIntake,
  caller: Caller,
  id: string,
  { query, ownerOf, unknown }: StoredObject<Row>,
): Promise<void> {
  if (caller.reach !== 'own branch') return;
  const { rows } = answered(await intake.reads.ofId(id, query, [id], { position: NO_POSITION, waitMs: 0 }));
  if (rows.some((row) => !reachesObject(caller, ownerOf(row)))) throw problem(unknown);
}
