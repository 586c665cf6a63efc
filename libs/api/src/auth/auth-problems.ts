import { IdentityUnavailableError, PasswordsBusyError, type LogInRefusal } from '@eco/identity';
import { problem, type ProblemError } from '@eco/service';

/** Callers of operations that need no access token. A client that sends a token may call them, too. */
export const EVERYBODY = {
  anonymous: 'any',
  customer: 'any',
  cashier: 'any',
  'branch-manager': 'any',
  manager: 'any',
  administrator: 'any',
  operator: 'any',
} as const;

/** Problems of every operation that asks the account store. */
export const STORE_PROBLEMS = ['log-in-unavailable'] as const;
/** Problems of operations that check a password. */
export const PASSWORD_PROBLEMS = ['log-in-refused', 'too-many-attempts', ...STORE_PROBLEMS] as const;

const RETRY_SECONDS = 2;

/** Runs an operation of the account store. Throws the problem `log-in-unavailable` if the store can't answer now. */
export async function fromIdentity<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof IdentityUnavailableError || error instanceof PasswordsBusyError)) throw error;
    throw problem('log-in-unavailable', {
      detail: 'The account store does not answer now. Access tokens that are valid go on working. Try again.',
      headers: { 'Retry-After': String(RETRY_SECONDS) },
      cause: error,
    });
  }
}

export function refusalProblem(refusal: LogInRefusal): ProblemError {
  if (refusal.type === 'wrong') return problem('log-in-refused');
  const seconds = Math.ceil(refusal.retryAfterMs / 1000);
  return problem('too-many-attempts', {
    detail: `Too many log-ins of this account or from this address have failed. Try again in ${seconds} s.`,
    headers: { 'Retry-After': String(seconds) },
  });
}
