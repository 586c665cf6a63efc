/** A server can't be reached or can't do it now. Nothing is wrong with the statement: the same may succeed later. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

/** The level at which a failure that is tried again is logged: no retry mends a bug. */
export function levelOf(error: unknown): 'warn' | 'error' {
  return error instanceof UnavailableError ? 'warn' : 'error';
}
