import type { KeyObject } from 'node:crypto';
import type { CommandKind } from '@eco/contracts';

/** Roles of accounts and machines. The `access` of each operation states the roles that may call it. */
export const roles = [
  /** Keeps accounts, keys and dead letters, and reads or changes no business data. */
  'administrator',
  /** Works at the head office. */
  'manager',
  'branch-manager',
  'cashier',
  'customer',
  /** A program of another company or department. Its scopes state what it may do. */
  'integration',
  /** A monitoring system, which reads metrics and readiness. */
  'operator',
] as const;
export type Role = (typeof roles)[number];

/**
 * Role of the API of a branch (sucursal-api) when it reads from the read-service. It is no role of an account, because
 * only the branch's own key makes such a token.
 */
export const BRANCH_ROLE = 'branch';

/** `anonymous`: the client sent no token. */
export type CallerRole = Role | typeof BRANCH_ROLE | 'anonymous';

/** Permission of an integration: to receive events, to read, or to send commands of one kind. */
export type Scope = 'events' | 'read' | CommandKind;

/** A person or a program that has proven its identity with an access token. */
export interface Principal {
  /** At most 128 printable characters; never an e-mail address, because logs and outcomes contain it. */
  readonly id: string;
  readonly role: CallerRole;
  /** Set for a branch, a branch manager and a cashier. */
  readonly branchId: string | null;
  /** Set for a customer. */
  readonly customerId: string | null;
  /**
   * Broker user of the branch that states this principal, one of its staff. Absent: a token has proven it, so it may also
   * see its commands of other APIs.
   */
  readonly statedBy?: string;
  /** Empty unless the role is `integration`. A scope that this version does not know permits nothing. */
  readonly scopes: readonly string[];
  /** The session to which the token belongs. Null for a token that a command made: it can't be revoked. */
  readonly sessionId: string | null;
  /**
   * Makes command ids from the principal's `Idempotency-Key`s. It can't compute the ids of another principal. It is a
   * `KeyObject`, with which an HMAC takes a fifth of the time that it takes with bytes.
   */
  readonly idKey: KeyObject;
  /**
   * Id keys of the principal from before the id keys were rotated, the latest first. Under them the principal may have
   * sent a request that is repeated now.
   */
  readonly formerIdKeys: readonly KeyObject[];
}

/** The principal of all clients without a token. */
export function anonymousPrincipal(idKey: KeyObject): Principal {
  return {
    id: 'anonymous',
    role: 'anonymous',
    branchId: null,
    customerId: null,
    scopes: [],
    sessionId: null,
    idKey,
    formerIdKeys: [],
  };
}
