import type { CommandKind } from '@eco/contracts';

/** Roles of accounts and machines. What each may do is stated in the `access` of each operation. */
export const roles = [
  /** Keeps accounts, keys and dead letters, and has no part in business. */
  'administrator',
  /** Works at the head office. */
  'manager',
  'branch-manager',
  'cashier',
  'customer',
  /** A program of another company or department. Its scopes state what it may do. */
  'integration',
  /** A machine that watches ours: metrics and readiness. */
  'operator',
] as const;
export type Role = (typeof roles)[number];

/** `anonymous`: the client sent no token. */
export type CallerRole = Role | 'anonymous';

/** What an integration may do: receive events, read, or send commands of one kind. */
export type Scope = 'events' | 'read' | CommandKind;

/** A person or a program that an access token has proven. */
export interface Principal {
  /** At most 128 printable characters; never an e-mail address, because logs and outcomes contain it. */
  readonly id: string;
  readonly role: CallerRole;
  /** Set for a branch manager and a cashier. */
  readonly branchId: string | null;
  /** Set for a customer. */
  readonly customerId: string | null;
  /** Empty unless the role is `integration`. A scope that this version does not know permits nothing. */
  readonly scopes: readonly string[];
  /** The log-in that the token belongs to; null: a token made by a command, which can't be revoked. */
  readonly sessionId: string | null;
  /** 16 bytes from which the ids of its `Idempotency-Key`s are made. Nobody else's ids can be computed with them. */
  readonly idKey: Buffer;
}

/** The principal of all clients without a token. `idKey`: 16 bytes. */
export function anonymousPrincipal(idKey: Buffer): Principal {
  return {
    id: 'anonymous',
    role: 'anonymous',
    branchId: null,
    customerId: null,
    scopes: [],
    sessionId: null,
    idKey,
  };
}
