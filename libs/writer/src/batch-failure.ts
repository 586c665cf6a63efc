import { isInClass, SQLSTATE, SQLSTATE_CLASS } from '@eco/postgres';
import { DatabaseError } from 'pg';

/**
 * Why a batch was not stored. The type says what to do next:
 * - `command-error`: one of its commands can't be decided or stored, and never will be. Find it and dead-letter it.
 * - `server-error`: the same batch may succeed later. `lost`: the session is gone. `isTooLarge`: the batch took too
 *   much time or memory. A smaller one may succeed at once; the same one will not.
 * - `fenced`: another writer leads. Give up.
 * - `unknown`: the batch may be committed, may still commit, or may not be replicated. The session is gone. Let the
 *   broker redeliver the messages; their outcomes show what happened.
 */
export type BatchFailure =
  | { type: 'command-error'; error: Error; errorClass: 'rule' | 'database'; failureSite: string }
  | { type: 'server-error'; error: Error; lost: boolean; isTooLarge?: boolean }
  | { type: 'fenced'; error: Error }
  | { type: 'unknown'; error: Error };

export type CommandError = Extract<BatchFailure, { type: 'command-error' }>;
/** A failure that is no command's. */
export type OtherFailure = Exclude<BatchFailure, CommandError>;

const SQLSTATE_FENCED = 'EF001';
const NOT_IN_FENCED_TRANSACTION = 'EF002';

/** SQLSTATE classes whose cause is the command itself. */
const COMMANDS_OWN = [SQLSTATE_CLASS.invalidData, SQLSTATE_CLASS.brokenConstraint, SQLSTATE_CLASS.limitExceeded];

/**
 * Errors after which a smaller batch may succeed. An operator's cancel has the same code, and a smaller batch then does
 * no harm.
 */
const TOO_LARGE: readonly string[] = [SQLSTATE.queryCanceled, SQLSTATE.outOfMemory];

/** Classifies an error. A command is blamed only if the error is known to be a command error. */
export function batchFailureOf(error: unknown): BatchFailure {
  if (!(error instanceof DatabaseError)) return { type: 'server-error', error: error as Error, lost: true };
  const code = error.code ?? '';
  if (code === SQLSTATE_FENCED) return { type: 'fenced', error };
  if (code === NOT_IN_FENCED_TRANSACTION) return { type: 'unknown', error };
  if (isInClass(code, ...COMMANDS_OWN)) {
    const what = error.constraint ?? error.column ?? error.routine;
    const failureSite = [code, error.table, what].filter((part) => part !== undefined).join(' ');
    return { type: 'command-error', error, errorClass: 'database', failureSite };
  }
  const lost = error.severity === 'FATAL' || error.severity === 'PANIC';
  return { type: 'server-error', error, lost, ...(TOO_LARGE.includes(code) && !lost ? { isTooLarge: true } : {}) };
}

/**
 * The failure of statements that the writer made by itself. No command caused their data, so this is a server error.
 */
export function withoutCommand(failure: BatchFailure): OtherFailure {
  return failure.type === 'command-error' ? { type: 'server-error', error: failure.error, lost: false } : failure;
}
