import { QueryFailedError } from 'typeorm';
import { SQLSTATE } from '@eco/postgres';
import { readFailureKind } from '@eco/reads';

/** Errors of a node that is not the primary any more, and of a process that paused inside a transaction. */
const NOT_NOW: readonly string[] = [SQLSTATE.readOnlyTransaction, SQLSTATE.idleInTransaction];

/**
 * Class of a failure of a statement or a connection.
 * - `unavailable`: the server can't be reached, stops, starts, lacks memory, disk or a lock, or is not the primary now.
 *   The same may succeed later.
 * - `bad-value`: it refuses a value (class 22). Every node would refuse it, now and later.
 * - `refused`: anything else, such as a wrong statement or a missing right. No retry mends it.
 */
export function sqlFailure(error: unknown): 'unavailable' | 'bad-value' | 'refused' {
  const { severity, code } = (error instanceof QueryFailedError ? error.driverError : error) as ServerError;
  // An error without a severity is not from the server: the connection could not be made or broke.
  const sqlState = severity === undefined ? undefined : code;
  if (sqlState !== undefined && NOT_NOW.includes(sqlState)) return 'unavailable';
  const kind = readFailureKind(sqlState);
  if (kind === 'request') return 'bad-value';
  return kind === 'refusal' ? 'refused' : 'unavailable';
}

interface ServerError {
  readonly severity?: string;
  /** SQLSTATE. */
  readonly code?: string;
}
