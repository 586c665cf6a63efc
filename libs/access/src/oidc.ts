import { createHash } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';

/** Roles that the head office's identity provider can give. Customers and branches use Central's own log-in. */
export const oidcRoles = ['administrator', 'manager', 'operator'] as const;
export type OidcRole = (typeof oidcRoles)[number];

/** An OpenID Connect provider whose access tokens are accepted, next to those of Central. */
export interface OidcSettings {
  /** `iss` of its tokens, and the URL under which it publishes its keys. */
  readonly issuer: string;
  /** `aud` of its tokens for EcoMarket. */
  readonly audience: string;
  /** Claim that names a person's groups, such as `roles`. `a.b` is the member `b` of the claim `a`. */
  readonly roleClaim: string;
  /** Roles by values of that claim. If a token has several values, the first in this list counts. */
  readonly roles: readonly { readonly value: string; readonly role: OidcRole }[];
}

interface OidcOptions {
  /** Called when the provider's keys can't be read. */
  readonly onFailure?: (error: Error) => void;
  /** Current time, ms. */
  readonly now?: () => number;
}

/** Result of the check of a token. `unmapped`: a valid token that names no group with a role here. */
type Checked =
  /** `id`: of the principal. `expiresAt`: `exp`, s. */
  | { readonly type: 'known'; readonly id: string; readonly role: OidcRole; readonly expiresAt: number }
  | { readonly type: 'unmapped' }
  | { readonly type: 'refused'; readonly reason: string };

/** Pinned: only signatures by a private key. A shared secret or `none` is refused. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** An older token is refused, because nothing here can take it back. */
const AGE_MAX_SECONDS = 86_400;

/** Interval at which known keys are read again, ms. A key that the provider has withdrawn is then unknown. */
const RELOAD_EVERY_MS = 600_000;
const ANSWER_MS = 5_000;
/** After a failure to find the keys, the next attempt waits for this time, ms. */
const RETRY_MS = 5_000;

const configurationSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });
const claimsSchema = z.object({ sub: z.string().min(1).max(1_000), exp: z.int() });

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/**
 * Checks access tokens of an OpenID Connect provider by its published keys. Known keys stay in use while the provider is
 * away. Nothing is read before the first token comes, so a process starts without the provider.
 */
export class OidcIssuer {
  readonly #settings: OidcSettings;
  readonly #options: OidcOptions;
  readonly #now: () => number;
  #keySet: KeySet | undefined;
  #opening: Promise<KeySet> | undefined;
  #triedAt = -Infinity;

  constructor(settings: OidcSettings, options: OidcOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Whether the token says that it is of this issuer. Nothing is verified yet. */
  owns(token: string): boolean {
    try {
      return decodeJwt(token).iss === this.#settings.issuer;
    } catch {
      return false;
    }
  }

  async check(token: string): Promise<Checked> {
    let keySet: KeySet;
    try {
      keySet = await this.#keys();
    } catch {
      return refused('the keys of the identity provider cannot be read now');
    }
    const { issuer, audience, roleClaim } = this.#settings;
    try {
      const { payload } = await jwtVerify(token, keySet, {
        algorithms: ALGORITHMS,
        issuer,
        audience,
        requiredClaims: ['exp', 'iat', 'sub'],
        maxTokenAge: AGE_MAX_SECONDS,
        currentDate: new Date(this.#now()),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return refused('the token does not have the claims that it must have');
      const values = valuesOf(payload, roleClaim);
      const found = this.#settings.roles.find(({ value }) => values.includes(value));
      if (found === undefined) return { type: 'unmapped' };
      return { type: 'known', id: principalIdOf(claims.data.sub), role: found.role, expiresAt: claims.data.exp };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refused('the token has expired');
      if (error instanceof errors.JOSEError) return refused('the token is not valid here');
      // The key of the token is unknown, and the provider could not be asked for it.
      this.#options.onFailure?.(error as Error);
      return refused('the keys of the identity provider cannot be read now');
    }
  }

  /** The known keys at once, otherwise those that the provider publishes. */
  async #keys(): Promise<KeySet> {
    if (this.#keySet !== undefined) {
      this.#reloadIfOld(this.#keySet);
      return this.#keySet;
    }
    if (this.#opening === undefined) {
      if (this.#now() - this.#triedAt < RETRY_MS) throw new Error('the last attempt failed');
      this.#triedAt = this.#now();
      this.#opening = this.#open().finally(() => (this.#opening = undefined));
    }
    return this.#opening;
  }

  async #open(): Promise<KeySet> {
    try {
      // The known keys do not expire here: `#reloadIfOld` replaces them if the provider answers.
      const keySet = createRemoteJWKSet(await this.#keysUrl(), { cacheMaxAge: Infinity, timeoutDuration: ANSWER_MS });
      await keySet.reload();
      this.#keySet = keySet;
      return keySet;
    } catch (error) {
      this.#options.onFailure?.(error as Error);
      throw error;
    }
  }

  async #keysUrl(): Promise<URL> {
    const { issuer } = this.#settings;
    const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!response.ok) throw new Error(`the provider's configuration has the status ${response.status}`);
    const configuration = configurationSchema.parse(await response.json());
    if (configuration.issuer !== issuer) throw new Error(`the provider calls itself ${configuration.issuer}`);
    if (!isSafeUrl(configuration.jwks_uri)) throw new Error('the URL of the keys is neither https nor of this machine');
    return new URL(configuration.jwks_uri);
  }

  #reloadIfOld(keySet: KeySet): void {
    if (this.#now() - this.#triedAt < RELOAD_EVERY_MS) return;
    this.#triedAt = this.#now();
    keySet.reload().catch((error: Error) => this.#options.onFailure?.(error));
  }
}

/** No account of Central has such an id, because those are UUIDs. */
function principalIdOf(subject: string): string {
  return `oidc:${PLAIN_SUBJECT.test(subject) ? subject : hashOf(subject)}`;
}

/** A subject that may be in logs as it is. An e-mail address may not. */
const PLAIN_SUBJECT = /^[\w.:|~=+/-]{1,120}$/;

function hashOf(subject: string): string {
  return createHash('sha256').update(subject).digest('base64url');
}

/** The texts of a claim, which is a text or a list of texts. */
function valuesOf(payload: JWTPayload, claim: string): string[] {
  const direct = payload[claim];
  const value = direct ?? claim.split('.').reduce<unknown>(memberOf, payload);
  return [value].flat().filter((each) => typeof each === 'string');
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** Whether nobody on the network can change what the URL answers: by https, or on this machine. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.includes(hostname));
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

function refused(reason: string): Checked {
  return { type: 'refused', reason };
}
