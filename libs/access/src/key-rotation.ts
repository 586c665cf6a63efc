import { createSigningKey, publicKeyOf, type TokenSecrets } from './keys.js';

/*
 * A rotation of the signing key has two steps. Every process must know the next public key before the first token is
 * signed with it, and must know the old one for as long as a token of it is accepted. So nobody is logged out.
 */

/** A token is accepted for 15 minutes and a grace of at most 30 days; see `ECO_TOKEN_GRACE_HOURS`. */
const RETIRED_SECONDS = 31 * 86_400;

/** Step 1: adds the next public key. A rotation that was interrupted goes on with its key. */
export async function announceKey(secrets: TokenSecrets): Promise<TokenSecrets> {
  if (secrets.nextSigningKey !== undefined) return secrets;
  const nextSigningKey = await createSigningKey();
  return { ...secrets, keys: [publicKeyOf(nextSigningKey), ...secrets.keys], nextSigningKey };
}

/**
 * Step 2, when every process has read step 1: signs with the next key, and drops keys whose last token is not accepted
 * any more. `now`: s since 1970. Throws if there was no step 1.
 */
export function useAnnouncedKey({ nextSigningKey, ...secrets }: TokenSecrets, now: number): TokenSecrets {
  if (nextSigningKey === undefined) throw new Error('no key was announced');
  const keys = secrets.keys
    .map((key) => (key.kid === secrets.signingKey.kid ? { ...key, retiredAt: now } : key))
    .filter(({ retiredAt }) => retiredAt === undefined || now - retiredAt <= RETIRED_SECONDS);
  return { ...secrets, keys, signingKey: nextSigningKey };
}
