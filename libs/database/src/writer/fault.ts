import { DatabaseError } from 'pg';

/**
 * Why a batch was not stored, by whose fault it is. What to do follows from the type:
 * - `command-fault`: one of its commands can't be decided or stored, and never will be. Find it, park it.
 * - `server-fault`: the same batch may do better later. `lost`: the session is gone. `isTooLarge`: it took too long or too
 *   much memory, so a smaller one may do better at once, and the same one will not.
 * - `fenced`: another writer leads. Give up.
 * - `unknown`: it may have been committed, or may come to be, or not have been replicated. The session is gone; let the
 *   messages come again, their outcomes tell.
 */
export type Fault =
  | { type: 'command-fault'; error: Error; errorClass: 'rule' | 'database'; place: string }
  | { type: 'server-fault'; error: Error; lost: boolean; isTooLarge?: boolean }
  | { type: 'fenced'; error: Error }
  | { type: 'unknown'; error: Error };

const FENCED = 'EF001';
const NOT_IN_FENCED_TRANSACTION = 'EF002';

/** Classes of SQLSTATE: bad data, a broken constraint, data beyond what the server can hold (a key too long for its index). */
const COMMANDS_OWN = ['22', '23', '54'];

/** `statement_timeout`, or an operator's cancel, after which a smaller batch does no harm; `out_of_memory`. */
const TOO_LARGE = ['57014', '53200'];

/** Whatever is not known to be a command's fault blames none. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof DatabaseError)) return { type: 'server-fault', error: error as Error, lost: true };
  const code = error.code ?? '';
  if (code === FENCED) return { type: 'fenced', error };
  if (code === NOT_IN_FENCED_TRANSACTION) return { type: 'unknown', error };
  if (COMMANDS_OWN.includes(code.slice(0, 2))) {
    const what = error.constraint ?? error.column ?? error.routine;
    const place = [code, error.table, what].filter((part) => part !== undefined).join(' ');
    return { type: 'command-fault', error, errorClass: 'database', place };
  }
  const lost = error.severity === 'FATAL' || error.severity === 'PANIC';
  return { type: 'server-fault', error, lost, ...(TOO_LARGE.includes(code) && !lost ? { isTooLarge: true } : {}) };
}
