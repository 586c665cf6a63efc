import type { SideConnection } from '@eco/postgres';

/** A customer that was erased. */
export interface Erasure {
  customerId: string;
  erasedAt: Date;
  /** The command that erased the customer. */
  commandId: string;
  /** Id of the account for which the command was sent. Null: the sender stated none. */
  by: string | null;
}

const ANSWER_MS = 10_000;

/** A page of a group's erasures by customer id, after this one. */
export function readErasures(
  node: SideConnection,
  { after, limit }: { after: string; limit: number },
): Promise<Erasure[]> {
  return node.ask<Erasure & Record<string, unknown>>(
    `
SELECT e.customer_id AS "customerId", e.erased_at AS "erasedAt", e.command_id AS "commandId", e.actor AS "by"
FROM eco.erasure e WHERE e.customer_id > $1 ORDER BY e.customer_id LIMIT $2`,
    [after, limit],
    ANSWER_MS,
  );
}
