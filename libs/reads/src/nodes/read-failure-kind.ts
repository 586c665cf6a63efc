/**
 * Kind of a read's failure on one node, by its SQLSTATE.
 * - `request`: the values of the request are invalid (22); every node would say so.
 * - `connection`: the node can't be reached, stops or starts; or this session no longer knows a statement (26).
 * - `passing`: may work in a moment, there or elsewhere: a recovery conflict, a deadlock (40), a lock (55), 57.
 * - `timeout`: the statement exceeded the node's limit, or an operator cancelled it.
 * - `resources`: the node has no memory or disk left, or a disk fails (53, 58).
 * - `refusal`: any other. A damaged page (XX), a missing migration or a missing right (42). It says something about the
 *   statement only if other nodes agree.
 */
export type ReadFailureKind = 'request' | 'connection' | 'passing' | 'timeout' | 'resources' | 'refusal';

/** No client can cause it, so the node is not healthy. */
export function isNodeFailure(kind: ReadFailureKind): boolean {
  return kind === 'resources' || kind === 'refusal';
}

export function readFailureKind(sqlState: string | undefined): ReadFailureKind {
  if (sqlState === undefined || /^(08|26|57P|53300)/.test(sqlState)) return 'connection';
  if (sqlState.startsWith('22')) return 'request';
  if (sqlState === '57014') return 'timeout';
  if (/^(53|58)/.test(sqlState)) return 'resources';
  return /^(40|55|57)/.test(sqlState) ? 'passing' : 'refusal';
}
