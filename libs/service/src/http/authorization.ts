import type { FastifyInstance, FastifyRequest } from 'fastify';
import {
  anonymousPrincipal,
  AUDIENCE,
  BRANCH_ROLE,
  OidcIssuer,
  reachOf,
  sharedIdKeyOf,
  TokenVerifier,
  type Access,
  type Caller,
  type OidcSettings,
  type Principal,
  type Verified,
  type VerifierOptions,
  type VerifierSecrets,
} from '@eco/access';
import type { Log } from '@eco/base';
import { headers } from '@eco/contracts';
import { followTokenKeys, type TokenKeysFile } from '../token-keys.js';
import { problem, type ProblemError } from './problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Policy of the route. `open`: the route looks at no token. The service does not start if a route has no policy.
     */
    access?: Access | 'open';
  }
  interface FastifyRequest {
    /**
     * Result of the token's verification. It is set for every route that is not `open`, before the policy is applied.
     */
    verified: Verified | undefined;
    /** The caller. It is set for every route that is not `open`. */
    caller: Caller;
  }
}

/** Options of a route that looks at no token. */
export const OPEN = { config: { access: 'open' } } as const;

export interface AuthorizationOptions extends Pick<
  VerifierOptions,
  'graceSeconds' | 'isRevoked' | 'audiences' | 'oidc'
> {
  readonly secrets: VerifierSecrets;
  /** Branch that this process serves: it refuses people of other branches. Null: it serves the whole chain. */
  readonly branchId: string | null;
}

/**
 * Determines the caller of an operation from the token alone, before the body is read. A client without a token is
 * anonymous. A client with a bad token is refused everywhere, so that it notices.
 */
export class Authorization {
  readonly #verifier: TokenVerifier;
  readonly #anonymous: Principal;
  readonly #branchId: string | null;

  constructor({ secrets, branchId, ...options }: AuthorizationOptions) {
    this.#verifier = new TokenVerifier({ secrets, ...options });
    this.#anonymous = anonymousPrincipal(sharedIdKeyOf(secrets));
    this.#branchId = branchId;
  }

  /** Verifies with these keys from now on. */
  useKeys(keys: Pick<VerifierSecrets, 'keys' | 'branchKeys'>): void {
    this.#verifier.useKeys(keys);
  }

  /** `header`: the request's `Authorization`. Synchronous unless the token is new to this process. */
  verify(header: string | undefined): Verified | Promise<Verified> {
    if (header === undefined) return { type: 'current', principal: this.#anonymous };
    const token = BEARER.exec(header)?.[1];
    if (token !== undefined) return this.#verifier.verify(token);
    return { type: 'refused', reason: 'the Authorization header must be "Bearer" and an access token' };
  }

  /**
   * The caller of an operation. A branch may ask for others: for a client without a token, for its own staff, or for
   * the person of a token. `stated`: the header `EcoMarket-Caller`; only a branch's is used. Synchronous unless the token
   * in it is new. Throws the problem `unauthenticated` or `forbidden`.
   */
  callerFor(access: Access, sender: Verified, stated: string | undefined): Caller | Promise<Caller> {
    if (stated === undefined || 'reason' in sender || sender.principal.role !== BRANCH_ROLE) {
      return this.callerOf(access, sender);
    }
    const { branchId } = sender.principal;
    const verified = this.#verifyStated(sender.principal, stated);
    if (!(verified instanceof Promise)) return this.callerOf(access, verified, branchId);
    return verified.then((each) => this.callerOf(access, each, branchId));
  }

  #verifyStated(branch: Principal, stated: string): Verified | Promise<Verified> {
    if (stated === 'anonymous') return { type: 'current', principal: this.#anonymous };
    const [, role, id] = STAFF.exec(stated) ?? [];
    if (role === undefined || id === undefined) return this.#verifier.verify(stated);
    return { type: 'current', principal: { ...branch, id, role: role as StatedRole, statedBy: branch.id } };
  }

  /** `served`: the branch that is served. Throws the problem `unauthenticated` or `forbidden`. */
  callerOf(access: Access, verified: Verified, served = this.#branchId): Caller {
    if ('reason' in verified) {
      const { type, reason } = verified;
      throw type === 'refused' ? unauthenticated(reason) : problem('forbidden', { detail: sentence(reason) });
    }
    const { principal } = verified;
    if (verified.type === 'graceful' && access.graceful !== true) throw unauthenticated('the token has expired');
    if (served !== null && principal.branchId !== null && principal.branchId !== served) {
      throw problem('forbidden', { detail: `This API serves ${served}, and the token is of another branch` });
    }
    const reach = reachOf(access, principal);
    if (reach !== undefined) return { principal, reach };
    if (principal.role === 'anonymous') throw unauthenticated('this operation needs an access token', BARE_CHALLENGE);
    throw problem('forbidden', { detail: `The role ${principal.role} may not do this` });
  }
}

interface ApiConfig<Tokens extends VerifierSecrets> {
  readonly secrets: TokenKeysFile<Tokens>;
  readonly tokenGraceHours: number;
  /** A provider whose tokens are accepted, too. */
  readonly oidc?: OidcSettings;
}

interface ApiAuthorizationOptions<Tokens extends VerifierSecrets> {
  /** Branch that the API serves; null: the whole chain. */
  readonly branchId: string | null;
  /** The sessions that have ended. */
  readonly revoked: { has(sessionId: string): boolean };
  /** A key with which this process signs tokens for itself alone, and the audience of these tokens. */
  readonly own?: { readonly key: VerifierSecrets['keys'][number]; readonly audience: string } | undefined;
  /** Called with the keys when they have been rotated. */
  readonly onKeys?: (tokens: Tokens) => void;
}

/** The authorization of an API. It follows the rotation of keys until the process stops. */
export function authorizationOf<Tokens extends VerifierSecrets>(
  frame: { readonly log: Log; readonly stopping: AbortSignal },
  { secrets, tokenGraceHours, oidc }: ApiConfig<Tokens>,
  { branchId, revoked, own, onKeys }: ApiAuthorizationOptions<Tokens>,
): Authorization {
  const withOwn = (keys: VerifierSecrets['keys']) => (own === undefined ? keys : [...keys, own.key]);
  const onFailure = ({ message }: Error) =>
    frame.log.warn({ error: message }, 'keys of the identity provider could not be read; the known ones stay in use');
  const authorization = new Authorization({
    oidc: oidc && new OidcIssuer(oidc, { onFailure }),
    secrets: { ...secrets.tokens, keys: withOwn(secrets.tokens.keys) },
    ...(own && { audiences: [AUDIENCE, own.audience] }),
    graceSeconds: tokenGraceHours * 3_600,
    branchId,
    isRevoked: (sessionId) => revoked.has(sessionId),
  });
  followTokenKeys(secrets, frame, (tokens) => {
    authorization.useKeys({ ...tokens, keys: withOwn(tokens.keys) });
    onKeys?.(tokens);
  });
  return authorization;
}

/** Staff of a branch: role and id of the account. */
const STAFF = /^(cashier|branch-manager) ([\x21-\x7e]{1,128})$/;
type StatedRole = 'cashier' | 'branch-manager';

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;

/** RFC 6750, 3.1: no error code for a request without a token. */
const BARE_CHALLENGE = 'Bearer';
const INVALID_TOKEN = 'Bearer error="invalid_token"';

function sentence(phrase: string): string {
  return phrase.charAt(0).toUpperCase() + phrase.slice(1);
}

function unauthenticated(detail: string, challenge = INVALID_TOKEN): ProblemError {
  return problem('unauthenticated', { detail, headers: { 'WWW-Authenticate': challenge } });
}

/**
 * Identifies the sender of each request. Call it before any route is added. Without an authorization a service may have
 * open routes only.
 */
export function addAuthentication(fastify: FastifyInstance, authorization: Authorization | undefined): void {
  fastify.decorateRequest('verified');
  fastify.decorateRequest('caller');
  fastify.addHook('onRoute', (route) => {
    const { url } = route;
    // Nest registers the pages of the API document without a configuration.
    if (url === '/docs' || url.startsWith('/docs/') || url.startsWith('/docs-')) {
      route.config = { ...route.config, access: 'open' };
    }
    const access = route.config?.access;
    if (access === undefined) throw new Error(`${route.method.toString()} ${url} does not state its access`);
    if (access !== 'open' && authorization === undefined) {
      throw new Error(`${route.method.toString()} ${url} is not open, and this service verifies no tokens`);
    }
  });
  if (authorization === undefined) return;
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (policyOf(request) === undefined) return done();
    const verified = authorization.verify(request.headers.authorization);
    if (!(verified instanceof Promise)) {
      request.verified = verified;
      return done();
    }
    verified.then((each) => {
      request.verified = each;
      done();
    }, done);
  });
}

/**
 * Applies the policy of each operation. Call it after the hooks that count requests, so that refused requests count
 * too.
 */
export function addAuthorization(fastify: FastifyInstance, authorization: Authorization | undefined): void {
  if (authorization === undefined) return;
  fastify.addHook('onRequest', (request, _reply, done) => {
    const access = policyOf(request);
    if (access === undefined || request.verified === undefined) return done();
    try {
      const caller = authorization.callerFor(access, request.verified, request.headers[CALLER_HEADER]?.toString());
      if (!(caller instanceof Promise)) {
        request.caller = caller;
        return done();
      }
      caller.then((each) => {
        request.caller = each;
        done();
      }, done);
    } catch (error) {
      done(error as Error);
    }
  });
}

const CALLER_HEADER = headers.caller.toLowerCase();

/** Undefined: the route is open, or the path does not exist. */
function policyOf({ routeOptions }: FastifyRequest): Access | undefined {
  const { access } = routeOptions.config;
  return access === 'open' ? undefined : access;
}

/** The proven sender of the request. Undefined: it has no valid token, or the route is open. */
export function principalOf({ verified }: FastifyRequest): Principal | undefined {
  return verified !== undefined && 'principal' in verified ? verified.principal : undefined;
}

/**
 * The branch to which a command of this caller belongs: the branch of the person, otherwise that of the API. Null: the
 * head office.
 */
export function branchOf({ principal }: Caller, served: string | null): string | null {
  return principal.branchId ?? served;
}
