import type { SideConnection } from '@eco/postgres';

/** A session that was ended because its transaction exceeded the limit of its role. */
export interface EndedTransaction {
  readonly role: string;
  /** Age of the transaction, s. */
  readonly seconds: number;
}

/**
 * Ends the sessions on this node, primary or replica, whose transaction exceeds the limit of their role. Call it on a
 * connection of eco_writer.
 */
export function endLongTransactions(node: SideConnection, deadlineMs?: number): Promise<EndedTransaction[]> {
  return node.ask<EndedTransaction & Record<string, unknown>>(
    'SELECT e.role, e.seconds FROM eco_guard.end_long_transactions() e',
    [],
    deadlineMs,
  );
}
