import type { Role } from '@eco/access';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** An access token is valid for this time, ms. After it no token contains a role that was taken away. */
export const ACCESS_TOKEN_MS = 15 * MINUTE_MS;

export interface Lifetimes {
  /** A session ends when its refresh token is not used for this time, ms. */
  readonly idleMs: number;
  /** A session ends after this time in any case, ms. */
  readonly totalMs: number;
}

/** Staff log in for each shift; customers do not expect to log in again on their own device. */
export function lifetimesOf(role: Role): Lifetimes {
  if (role === 'customer') return { idleMs: 30 * DAY_MS, totalMs: 180 * DAY_MS };
  return { idleMs: 8 * HOUR_MS, totalMs: 16 * HOUR_MS };
}

/** A generated password of a person is accepted for this time, ms. The owner then needs another reset. */
export const GENERATED_PASSWORD_MS = 7 * DAY_MS;

/** Most sessions of an account. A further log-in ends the oldest. */
export const SESSIONS_MAX = 20;

/**
 * Ended sessions are stored for this time, ms. After it none of their tokens is accepted, not even for an order within
 * the grace after the expiry.
 */
export const ENDED_SESSIONS_MS = 2 * DAY_MS;
