import { createHash } from 'node:crypto';

/** An attempt counts for this time, ms. The window slides. */
export const ATTEMPT_WINDOW_MS = 15 * 60_000;

/** Most attempts in the window, by subject. */
export const ATTEMPTS_MAX = {
  /** Failed log-ins of one account. A person who mistypes needs a few; an attacker gets 960 guesses a day. */
  account: 10,
  /** Failed log-ins from one network address. Many people of one branch share an address. */
  address: 100,
  /** Mails to one e-mail address. Its owner may not have requested them. */
  mailsTo: 3,
  /** Mails that one network address requested. */
  mailsFrom: 20,
} as const;

/** A subject for which attempts are counted: an account or an address. */
export interface AttemptSubject {
  /** SHA-256: the table contains neither names nor addresses. */
  readonly hash: Buffer;
  readonly most: number;
}

/** The network address comes first. An address beyond its limit then can't use up the attempts of an account. */
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
