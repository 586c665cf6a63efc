import { createHash, createHmac } from 'node:crypto';

/*
 * The refresh tokens of one session, as pure functions. A token has two parts of 32 random bytes. The first part names
 * the session and stays, the second changes with each use. Only hashes are stored.
 *
 * A used token that is presented again proves that two holders have it, so the session ends (RFC 9700, section 4.14.2).
 * Only a holder of one of its tokens knows the first part of a session, so nobody can end the session of another person
 * with a guess.
 *
 * For 10 s after its use a token gets the same successor again, because two tabs of a browser may refresh at the same
 * time and a response may be lost. The successor is an HMAC of the used token under a stored key. It can be computed
 * again, but only from both: the used token and the key.
 */

const PART_BYTES = 32;
const TOKEN = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;
/** After its use a token gets its successor again for this time, ms. */
export const REPEAT_MS = 10_000;

/** The stored data about a session's tokens. Hashes and key are 32 bytes in base64url. */
export interface RefreshFamily {
  /** SHA-256 of the first part of every token of the session. */
  readonly familyHash: string;
  /** SHA-256 of the second part of the token that may be used next. */
  readonly tokenHash: string;
  /** SHA-256 of the second part of the token that was used last. Null: none was used yet. */
  readonly usedHash: string | null;
  /** Key from which the successor of the used token is computed. */
  readonly successorKey: string | null;
  /** First use of that token, ms since 1970. */
  readonly usedAtMs: number | null;
}

/**
 * - `rotate`: store `family` and give out `token`.
 * - `repeat`: give out `token` again; nothing changes.
 * - `reuse`: the token was used before; end the session.
 * - `foreign`: the token does not belong to this family.
 */
export type RefreshDecision =
  | { readonly type: 'rotate'; readonly family: RefreshFamily; readonly token: string }
  | { readonly type: 'repeat'; readonly token: string }
  | { readonly type: 'reuse' }
  | { readonly type: 'foreign' };

/** The first token of a new family. `random`: 64 random bytes. */
export function newFamily(random: Buffer): { family: RefreshFamily; token: string } {
  const first = random.subarray(0, PART_BYTES).toString('base64url');
  const second = random.subarray(PART_BYTES, 2 * PART_BYTES).toString('base64url');
  const family = {
    familyHash: sha256(first),
    tokenHash: sha256(second),
    usedHash: null,
    successorKey: null,
    usedAtMs: null,
  };
  return { family, token: `${first}.${second}` };
}

/** The hash by which the family of a token is found. Undefined: the text is no token. */
export function familyHashOf(token: string): string | undefined {
  const first = TOKEN.exec(token)?.[1];
  return first === undefined ? undefined : sha256(first);
}

/** Decides about the use of a token at the time `nowMs`. `random`: 32 random bytes. */
export function useToken(family: RefreshFamily, token: string, nowMs: number, random: Buffer): RefreshDecision {
  const [, first = '', second = ''] = TOKEN.exec(token) ?? [];
  if (sha256(first) !== family.familyHash) return { type: 'foreign' };
  const hash = sha256(second);
  if (hash === family.tokenHash) {
    const successorKey = random.toString('base64url');
    const successor = successorOf(second, successorKey);
    return {
      type: 'rotate',
      family: {
        familyHash: family.familyHash,
        tokenHash: sha256(successor),
        usedHash: hash,
        successorKey,
        usedAtMs: nowMs,
      },
      token: `${first}.${successor}`,
    };
  }
  const { usedHash, successorKey, usedAtMs } = family;
  const isRepeat = hash === usedHash && usedAtMs !== null && nowMs - usedAtMs <= REPEAT_MS;
  if (!isRepeat || successorKey === null) return { type: 'reuse' };
  return { type: 'repeat', token: `${first}.${successorOf(second, successorKey)}` };
}

function successorOf(second: string, successorKey: string): string {
  return createHmac('sha256', Buffer.from(successorKey, 'base64url')).update(second).digest('base64url');
}

/** SHA-256 in base64url. Only hashes are compared, never secrets, so the comparison needs no constant time. */
function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
