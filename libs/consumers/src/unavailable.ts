/**
 * A server can't be reached or can't run the statement now. The statement itself may be right and may succeed later.
 */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

/** The level at which a failure that will be retried is logged. A bug is an error, because no retry mends it. */
export function levelOf(error: unknown): 'warn' | 'error' {
  return error instanceof UnavailableError ? 'warn' : 'error';
}
