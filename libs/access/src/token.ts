import { createSecretKey, type KeyObject } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  importJWK,
  jwtVerify,
  SignJWT,
  type CryptoKey,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { z } from 'zod';
import { customerIdSchema, FORMER_IDS_MAX, nameInLogsSchema, servedBranchIdSchema } from '@eco/contracts';
import {
  derivedIdKey,
  idKeySchema,
  idKeysOf,
  sharedIdKeyOf,
  type SignerSecrets,
  type VerifierSecrets,
} from './keys.js';
import type { OidcIssuer } from './oidc.js';
import { BRANCH_ROLE, roles, type Principal, type Role, type Scope } from './principal.js';

/** `iss` and the usual `aud` of EcoMarket's tokens. */
const ISSUER = 'ecomarket';
export const AUDIENCE = 'ecomarket';

/** Pinned: a token that names another algorithm, or none, is refused before its signature is looked at. */
const ALGORITHM = 'EdDSA';

/** A longer text is refused before it is parsed. A token of EcoMarket has about 600 characters. */
const TOKEN_CHARS_MAX = 4_096;

/** Most verified tokens that are remembered. Each takes about 1 kB. */
const KNOWN_MAX = 10_000;

/** Statements of a token about its principal. */
export interface TokenGrant {
  readonly id: string;
  readonly role: Role | typeof BRANCH_ROLE;
  /** Required for a branch, a branch manager and a cashier. */
  readonly branchId?: string | null;
  /** Required for a customer. */
  readonly customerId?: string | null;
  readonly scopes?: readonly Scope[];
  readonly sessionId?: string | null;
  /** Id keys, the present one first. Absent: they are derived from the master secrets. */
  readonly idKeys?: readonly [Buffer, ...Buffer[]];
}

const branchRoles: readonly string[] = [BRANCH_ROLE, 'branch-manager', 'cashier'];

const claimsSchema = z
  .object({
    sub: nameInLogsSchema,
    role: z.enum([...roles, BRANCH_ROLE]),
    branch: servedBranchIdSchema.optional(),
    customer: customerIdSchema.optional(),
    scope: z.string().max(1_000).optional(),
    sid: nameInLogsSchema.optional(),
    /** A token of another issuer states none. */
    idk: idKeySchema.optional(),
    /** Former id keys, the latest first. Absent: there are none. */
    idf: z.array(idKeySchema).min(1).max(FORMER_IDS_MAX).optional(),
    exp: z.int(),
    iat: z.int(),
  })
  .refine(({ role, branch }) => branchRoles.includes(role) === (branch !== undefined))
  .refine(({ role, customer }) => (role === 'customer') === (customer !== undefined))
  .refine(({ role, scope }) => role === 'integration' || scope === undefined);

type Claims = z.output<typeof claimsSchema>;

/** Makes access tokens. */
export class TokenSigner {
  #signing: { readonly secrets: SignerSecrets; readonly key: Promise<CryptoKey | Uint8Array> };

  constructor(secrets: SignerSecrets) {
    this.#signing = { secrets, key: importJWK(secrets.signingKey, ALGORITHM) };
  }

  /** Signs with these secrets from now on. */
  useSecrets(secrets: SignerSecrets): void {
    this.#signing = { secrets, key: importJWK(secrets.signingKey, ALGORITHM) };
  }

  /** `seconds`: how long the token is valid. Throws if the grant lacks the branch or the customer of its role. */
  async sign(grant: TokenGrant, seconds: number, audience: string = AUDIENCE, nowMs = Date.now()): Promise<string> {
    const { id, role, branchId, customerId, scopes = [], sessionId } = grant;
    const { secrets, key } = this.#signing;
    const { signingKey } = secrets;
    const iat = Math.floor(nowMs / 1000);
    const [idk, ...idf] = (grant.idKeys ?? idKeysOf(id, secrets, iat)).map((each) => each.toString('base64url'));
    const { sub, ...claims } = claimsSchema.parse({
      sub: id,
      role,
      branch: branchId ?? undefined,
      customer: customerId ?? undefined,
      scope: scopes.length > 0 ? scopes.join(' ') : undefined,
      sid: sessionId ?? undefined,
      idk,
      idf: idf.length > 0 ? idf : undefined,
      iat,
      exp: iat + seconds,
    });
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid: signingKey.kid })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setSubject(sub)
      .sign(await key);
  }
}

export type Verified =
  /** `graceful`: the token has expired, but is still within the grace. */
  | { readonly type: 'current' | 'graceful'; readonly principal: Principal }
  /** The token is valid, but gives no role here. `reason`: a phrase that may be shown to the client. */
  | { readonly type: 'forbidden' | 'refused'; readonly reason: string };

export interface VerifierOptions {
  readonly secrets: VerifierSecrets;
  /** Audiences: a token for any of them is accepted. */
  readonly audiences?: readonly string[];
  /** Time after its expiry for which a token counts as `graceful`, s. */
  readonly graceSeconds: number;
  /** A provider whose tokens are accepted, too, until they expire. */
  readonly oidc?: OidcIssuer | undefined;
  /** Whether the session has ended. It is called for each request, so it must return at once. */
  readonly isRevoked?: (sessionId: string) => boolean;
  /** Current time, ms. */
  readonly now?: () => number;
}

interface Known {
  readonly principal: Principal;
  /** `exp`, s. */
  readonly expiresAt: number;
  /** Time after `exp` for which the token counts as `graceful`, s. */
  readonly graceSeconds: number;
}

/**
 * Verifies access tokens. A verified token is remembered by its text until no operation accepts it. To verify a
 * signature takes about 100 µs; to look up the text takes less than 1 µs.
 */
export class TokenVerifier {
  readonly #options: VerifierOptions;
  /** Derives the id key of a principal whose token states none. */
  readonly #sharedIdKey: KeyObject;
  #keys: KeySet;
  readonly #verifyOptions: JWTVerifyOptions;
  readonly #now: () => number;
  // The memory has two halves, and the older one is dropped as a whole, because deleting a Map's first entry each time
  // takes 100 µs (V8 13).
  #young = new Map<string, Known>();
  #old = new Map<string, Known>();

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#sharedIdKey = sharedIdKeyOf(options.secrets);
    this.#keys = keySetOf(options.secrets);
    this.#now = options.now ?? Date.now;
    this.#verifyOptions = {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: [...(options.audiences ?? [AUDIENCE])],
      requiredClaims: ['exp', 'iat', 'sub'],
      // The signature check accepts tokens within the grace, too. Each use then decides between `current` and
      // `graceful`.
      clockTolerance: options.graceSeconds,
    };
  }

  /** Verifies with these keys from now on, and forgets the verified tokens of removed keys. */
  useKeys(keys: PublicKeys): void {
    this.#keys = keySetOf(keys);
    this.#young = new Map();
    this.#old = new Map();
  }

  /** Synchronous for a token that was verified before. */
  verify(token: string): Verified | Promise<Verified> {
    const known = this.#young.get(token) ?? this.#old.get(token);
    return known === undefined ? this.#check(token) : this.#judge(known);
  }

  async #check(token: string): Promise<Verified> {
    if (token.length > TOKEN_CHARS_MAX) return refused('the token is too long');
    const { oidc } = this.#options;
    if (oidc?.owns(token) === true) return this.#checkForeign(oidc, token);
    const { find, branchOfKey } = this.#keys;
    try {
      const currentDate = new Date(this.#now());
      const { payload, protectedHeader } = await jwtVerify(token, find, { ...this.#verifyOptions, currentDate });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return refused('the token does not have the claims that it must have');
      if (!maySign(branchOfKey.get(protectedHeader.kid), claims.data)) return refused('the token is not valid here');
      const known = { ...knownOf(claims.data, this.#sharedIdKey), graceSeconds: this.#options.graceSeconds };
      this.#remember(token, known);
      return this.#judge(known);
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refused(EXPIRED);
      if (error instanceof errors.JOSEError) return refused('the token is not valid here');
      throw error;
    }
  }

  async #checkForeign(oidc: OidcIssuer, token: string): Promise<Verified> {
    const checked = await oidc.check(token);
    if (checked.type === 'refused') return checked;
    if (checked.type === 'unmapped') return { type: 'forbidden', reason: 'the token names no group with a role here' };
    const { id, role, expiresAt } = checked;
    const rest = { branchId: null, customerId: null, scopes: [], sessionId: null, formerIdKeys: [] };
    const principal: Principal = { id, role, ...rest, idKey: derivedIdKey(id, this.#sharedIdKey) };
    const known = { principal, expiresAt, graceSeconds: 0 };
    this.#remember(token, known);
    return this.#judge(known);
  }

  #judge({ principal, expiresAt, graceSeconds }: Known): Verified {
    const { sessionId } = principal;
    if (sessionId !== null && this.#options.isRevoked?.(sessionId) === true) return refused('the session has ended');
    const secondsLeft = expiresAt - this.#now() / 1000;
    if (secondsLeft > 0) return { type: 'current', principal };
    return -secondsLeft < graceSeconds ? { type: 'graceful', principal } : refused(EXPIRED);
  }

  #remember(token: string, known: Known): void {
    if (this.#young.size >= KNOWN_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(token, known);
  }
}

type PublicKeys = Pick<VerifierSecrets, 'keys' | 'branchKeys'>;

interface KeySet {
  readonly find: ReturnType<typeof createLocalJWKSet>;
  /** Branches by the id of their key. */
  readonly branchOfKey: ReadonlyMap<string | undefined, string>;
}

function keySetOf({ keys, branchKeys = [] }: PublicKeys): KeySet {
  return {
    find: createLocalJWKSet({ keys: [...keys, ...branchKeys] }),
    branchOfKey: new Map(branchKeys.map(({ kid, branchId }) => [kid, branchId])),
  };
}

/**
 * Whether the key may sign these claims. A branch's key signs for that branch only, and the head office's keys sign for
 * everybody else. `ofKey`: the branch of the key.
 */
function maySign(ofKey: string | undefined, { role, branch }: Claims): boolean {
  return role === BRANCH_ROLE ? ofKey !== undefined && ofKey === branch : ofKey === undefined;
}

/** `aud` of a token that was verified before. */
export function audienceOf(token: string): JWTPayload['aud'] {
  return decodeJwt(token).aud;
}

const EXPIRED = 'the token has expired';

function refused(reason: string): Verified {
  return { type: 'refused', reason };
}

function knownOf(
  { sub, role, branch, customer, scope, sid, idk, idf = [], exp }: Claims,
  sharedIdKey: KeyObject,
): Omit<Known, 'graceSeconds'> {
  return {
    principal: {
      id: sub,
      role,
      branchId: branch ?? null,
      customerId: customer ?? null,
      scopes: scope?.split(' ') ?? [],
      sessionId: sid ?? null,
      idKey: idk === undefined ? derivedIdKey(sub, sharedIdKey) : createSecretKey(idk, 'base64url'),
      formerIdKeys: idf.map((each) => createSecretKey(each, 'base64url')),
    },
    expiresAt: exp,
  };
}
