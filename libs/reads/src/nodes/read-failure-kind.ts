import { isInClass, SQLSTATE, SQLSTATE_CLASS } from '@eco/postgres';

const { connection, invalidData, unknownStatement, serverAway } = SQLSTATE_CLASS;
const { insufficientResources, systemError, rolledBack, objectState, operatorIntervention } = SQLSTATE_CLASS;

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

/** Whether a failure shows an unhealthy node: no client can cause it. */
export function isNodeFailure(kind: ReadFailureKind): boolean {
  return kind === 'resources' || kind === 'refusal';
}

export function readFailureKind(sqlState: string | undefined): ReadFailureKind {
  if (sqlState === undefined || sqlState === SQLSTATE.tooManyConnections) return 'connection';
  if (isInClass(sqlState, connection, unknownStatement, serverAway)) return 'connection';
  if (isInClass(sqlState, invalidData)) return 'request';
  if (sqlState === SQLSTATE.queryCanceled) return 'timeout';
  if (isInClass(sqlState, insufficientResources, systemError)) return 'resources';
  return isInClass(sqlState, rolledBack, objectState, operatorIntervention) ? 'passing' : 'refusal';
}
