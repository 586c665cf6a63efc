import { createHash } from 'node:crypto';

/** Attempts count for this time, ms: a sliding window. */
export const ATTEMPT_WINDOW_MS = 15 * 60_000;

/** Most attempts in the window, by what they are counted for. */
export const ATTEMPTS_MAX = {
  /** Failed log-ins of one account. A person who mistypes needs a few; a guesser gets 960 a day. */
  account: 10,
  /** Failed log-ins from one network address. Many people of one branch share one. */
  address: 100,
  /** Mails to one e-mail address, whose owner may not have asked for them. */
  mailsTo: 3,
  /** Mails that one network address asked for. */
  mailsFrom: 20,
} as const;

/** What attempts are counted for. */
export interface AttemptSubject {
  /** SHA-256: the table contains neither names nor addresses. */
  readonly hash: Buffer;
  readonly most: number;
}

/** The network address first: one that may not try any more can't use up the attempts of an account. */
export function logInSubjects(loginHash: Buffer, address: string): [from: AttemptSubject, of: AttemptSubject] {
  return [subject('address', address), subject('account', loginHash)];
}

export function mailSubjects(loginHash: Buffer, address: string): [from: AttemptSubject, to: AttemptSubject] {
  return [subject('mailsFrom', address), subject('mailsTo', loginHash)];
}

function subject(kind: keyof typeof ATTEMPTS_MAX, value: string | Buffer): AttemptSubject {
  const hash = createHash('sha256').update(`${kind}:`).update(value).digest();
  return { hash, most: ATTEMPTS_MAX[kind] };
}
