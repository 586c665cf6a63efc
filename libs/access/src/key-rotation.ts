import { createSigningKey, publicKeyOf, TOKEN_SECONDS_MAX, type TokenSecrets } from './keys.js';

/*
 * A rotation of the signing key has two steps. Every process must know the next public key before the first token is
 * signed with it. It must also know the old public key for as long as it accepts a token of that key. So nobody is
 * logged out.
 */

/** Step 1: adds the next public key. A rotation that was interrupted continues with the key that it announced. */
export async function announceKey<Secrets extends TokenSecrets>(secrets: Secrets): Promise<Secrets> {
  if (secrets.nextSigningKey !== undefined) return secrets;
  const nextSigningKey = await createSigningKey();
  return { ...secrets, keys: [publicKeyOf(nextSigningKey), ...secrets.keys], nextSigningKey };
}

/**
 * Step 2, when every process has read step 1: signs with the next key, and drops keys whose last token is not accepted
 * any more. `now`: s since 1970. Throws if step 1 has not run.
 */
export function useAnnouncedKey<Secrets extends TokenSecrets>(
  { nextSigningKey, ...secrets }: Secrets,
  now: number,
): Omit<Secrets, 'nextSigningKey'> {
  if (nextSigningKey === undefined) throw new Error('no key was announced');
  const keys = secrets.keys
    .map((key) => (key.kid === secrets.signingKey.kid ? { ...key, retiredAt: now } : key))
    .filter(({ retiredAt }) => retiredAt === undefined || now - retiredAt <= TOKEN_SECONDS_MAX);
  return { ...secrets, keys, signingKey: nextSigningKey };
}
