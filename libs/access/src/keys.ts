import {
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { servedBranchIdSchema } from '@eco/contracts';
import { z } from 'zod';
import { COMMAND_DAYS_MAX, FORMER_IDS_MAX } from '@eco/contracts';

/**
 * Longest time after its issue for which a token may be accepted, s: it is valid for 15 minutes, with a grace of at most
 * 30 days; see `ECO_TOKEN_GRACE_HOURS`.
 */
export const TOKEN_SECONDS_MAX = 31 * 86_400;

export const ID_KEY_BYTES = 16;
const MASTER_BYTES = 32;
const ED25519_BYTES = 32;

/** Schema of a value of `bytes` bytes, written as base64url without padding. */
const bytesSchema = (bytes: number) => z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((bytes * 4) / 3)}}$`));

export const idKeySchema = bytesSchema(ID_KEY_BYTES);

const publicKeySchema = z.strictObject({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
  /** RFC 7638 thumbprint. */
  kid: z.string().min(1).max(64),
  x: bytesSchema(ED25519_BYTES),
  /** Time at which another key replaced this one, s since 1970. Absent for the present key and the next one. */
  retiredAt: z.int().optional(),
});
const privateKeySchema = publicKeySchema.extend({ d: bytesSchema(ED25519_BYTES) });

/** A key that signs tokens of one branch and nothing else. */
const ofBranch = { branchId: servedBranchIdSchema };
const branchKeySchema = privateKeySchema.extend(ofBranch);
export type BranchKey = z.infer<typeof branchKeySchema>;

/** Secrets with which a process can verify tokens but not make them. */
export const verifierSecretsSchema = z.object({
  /** Public keys. While keys are rotated there are several. */
  keys: z.array(publicKeySchema).min(1),
  /** Public keys of branches. Absent: this process accepts no token of a branch. */
  branchKeys: z.array(publicKeySchema.extend(ofBranch)).optional(),
  /**
   * The secret from which ids derive where no principal has an id key of its own: ids of clients without a token, of
   * customers that an API makes up, and the id keys of principals whose token states none. All APIs have it. It stays
   * when the id keys are rotated, because the id of a customer determines the customer's bucket.
   */
  anonymousIdKey: idKeySchema,
});
export type VerifierSecrets = z.infer<typeof verifierSecretsSchema>;

/** Secrets of the API of a branch: it verifies tokens, and makes its own tokens for the read-service. */
export const branchTokenSecretsSchema = verifierSecretsSchema
  .omit({ branchKeys: true })
  .extend({ branchKey: branchKeySchema });
export type BranchTokenSecrets = z.infer<typeof branchTokenSecretsSchema>;

/** Secrets with which a process makes tokens. */
const signerSecretsSchema = z.object({
  signingKey: privateKeySchema,
  /** The id key of each principal derives from this secret, so the id keys stay when the signing key is rotated. */
  idKeyMaster: bytesSchema(MASTER_BYTES),
  /** Former values of it, the latest first. `retiredAt`: s since 1970. Absent: it was never rotated. */
  formerIdKeyMasters: z
    .array(z.object({ master: bytesSchema(MASTER_BYTES), retiredAt: z.int() }))
    .max(FORMER_IDS_MAX)
    .optional(),
  /** The key that will sign after the present rotation. Its public key is in `keys` already. */
  nextSigningKey: privateKeySchema.optional(),
});
export type SignerSecrets = z.infer<typeof signerSecretsSchema>;

export const tokenSecretsSchema = verifierSecretsSchema.omit({ branchKeys: true }).extend(signerSecretsSchema.shape);
export type TokenSecrets = z.infer<typeof tokenSecretsSchema>;

/** All keys of an installation. */
export const tokenFileSchema = tokenSecretsSchema.extend({
  /** Keys of branches. A branch signs with its first one. */
  branchKeys: z.array(branchKeySchema).default([]),
});
export type TokenFile = z.infer<typeof tokenFileSchema>;

/** Makes the keys for the first start of an installation. */
export async function createTokenSecrets(): Promise<TokenSecrets> {
  const signingKey = await createSigningKey();
  const idKeyMaster = randomBytes(MASTER_BYTES).toString('base64url');
  return {
    keys: [publicKeyOf(signingKey)],
    anonymousIdKey: idKeyOf('anonymous', idKeyMaster).toString('base64url'),
    signingKey,
    idKeyMaster,
  };
}

export async function createBranchKey(branchId: string): Promise<BranchKey> {
  return { ...(await createSigningKey()), branchId };
}

export async function createSigningKey(): Promise<SignerSecrets['signingKey']> {
  const jwk: JsonWebKey = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const kid = await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x: jwk.x });
  return privateKeySchema.parse({ ...jwk, alg: 'EdDSA', use: 'sig', kid });
}

export function publicKeyOf<Key extends SignerSecrets['signingKey']>(signingKey: Key): Omit<Key, 'd'> {
  const { d, ...publicKey } = signingKey;
  return publicKey;
}

/** The `anonymousIdKey` of the secrets. */
export function sharedIdKeyOf({ anonymousIdKey }: Pick<VerifierSecrets, 'anonymousIdKey'>): KeyObject {
  return createSecretKey(anonymousIdKey, 'base64url');
}

/** Id key of a principal whose token states none, such as one of another issuer. It is the same at every API. */
export function derivedIdKey(principalId: string, sharedIdKey: KeyObject): KeyObject {
  const key = createHmac('sha256', sharedIdKey).update(`principal/${principalId}`).digest();
  return createSecretKey(key.subarray(0, ID_KEY_BYTES));
}

/**
 * Id key of a principal, 16 bytes. Command ids are made from it and an `Idempotency-Key`. It is the HMAC-SHA256 of the
 * principal's id with the master secret. A token contains it, so a branch knows only the keys of principals that
 * present a token there.
 */
export function idKeyOf(principalId: string, idKeyMaster: string): Buffer {
  const master = Buffer.from(idKeyMaster, 'base64url');
  return createHmac('sha256', master).update(principalId).digest().subarray(0, ID_KEY_BYTES);
}

/**
 * A former master secret is kept for this time after its last use, s. It is used until the last token with its id keys
 * is not accepted any more; then a repeat of a request may come for as long as an outcome counts.
 */
const FORMER_MASTER_SECONDS = TOKEN_SECONDS_MAX + COMMAND_DAYS_MAX * 86_400;

/** Id keys of a principal: the present one, then the former ones, the latest first. `now`: s since 1970. */
export function idKeysOf(principalId: string, secrets: IdKeyMasters, now: number): [Buffer, ...Buffer[]] {
  const former = keptMasters(secrets, now).map(({ master }) => idKeyOf(principalId, master));
  return [idKeyOf(principalId, secrets.idKeyMaster), ...former];
}
type IdKeyMasters = Pick<SignerSecrets, 'idKeyMaster' | 'formerIdKeyMasters'>;

function keptMasters({ formerIdKeyMasters = [] }: IdKeyMasters, now: number) {
  return formerIdKeyMasters.filter(({ retiredAt }) => now - retiredAt <= FORMER_MASTER_SECONDS);
}

/**
 * Derives id keys from a new master secret. The former secrets are kept for as long as a request that was sent under
 * their id keys may be repeated. `now`: s since 1970. Throws if as many are kept already as a command may name.
 */
export function rotateIdKeys<T extends TokenSecrets>(secrets: T, now: number): T {
  const kept = keptMasters(secrets, now);
  if (kept.length >= FORMER_IDS_MAX) {
    const days = Math.ceil(FORMER_MASTER_SECONDS / 86_400);
    throw new Error(`the id keys were rotated ${kept.length} times within ${days} days, which is the limit`);
  }
  return {
    ...secrets,
    idKeyMaster: randomBytes(MASTER_BYTES).toString('base64url'),
    formerIdKeyMasters: [{ master: secrets.idKeyMaster, retiredAt: now }, ...kept],
  };
}
