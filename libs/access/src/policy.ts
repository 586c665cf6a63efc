import { createHmac, randomBytes } from 'node:crypto';
import { CENTRAL } from '@eco/contracts';
import type { CallerRole, Principal, Scope } from './principal.js';

/**
 * The objects that a role may reach with an operation. For an object outside the reach, the response is 403 if the
 * request names its owner or place, and 404 if the request names only its id.
 */
export const reaches = {
  any: 'everything',
  'own customer': 'what is of the token’s customer',
  'own branch': 'what is of the token’s branch',
  'own branch and central': 'what is of the token’s branch or of the head office',
  'counter carts': 'carts of the counters of the token’s branch',
  'own commands': 'commands that the token’s account requested',
  guest: 'an order of a customer that the API makes up',
  availability: 'only whether and how many units are available',
} as const;
export type Reach = keyof typeof reaches;

type BranchReach = 'any' | 'own branch' | 'own branch and central' | 'counter carts' | 'own commands';

/** The roles that may call an operation, and the reach of each. A role that is absent may not call the operation. */
export interface Access {
  readonly anonymous?: 'any' | 'guest' | 'availability';
  readonly customer?: 'any' | 'own customer' | 'availability' | 'own commands';
  readonly cashier?: BranchReach;
  readonly 'branch-manager'?: BranchReach;
  readonly manager?: 'any' | 'own commands';
  readonly administrator?: 'any';
  readonly operator?: 'any';
  /** The API of a branch, for itself. For its callers it may do what they may do. */
  readonly branch?: 'any' | 'own branch';
  /**
   * The scope with which an integration reaches everything. `own commands`: an integration needs no scope, and reaches
   * its own commands.
   */
  readonly integration?: Scope | 'own commands';
  /** Whether the operation accepts a token within the grace after its expiry. Only orders and sales do. */
  readonly graceful?: true;
}

/** The caller of an operation that its policy permits. */
export interface Caller {
  readonly principal: Principal;
  readonly reach: Reach;
}

/** The objects that the principal reaches with an operation. Undefined: the principal may not call it. */
export function reachOf(access: Access, { role, scopes }: Principal): Reach | undefined {
  if (role !== 'integration') return access[role];
  const needed = access.integration;
  if (needed === undefined || needed === 'own commands') return needed;
  return scopes.includes(needed) ? 'any' : undefined;
}

/** The fields of a request that determine the owner and the place of an object. */
const customerFields = ['customerId'];
const branchFields = ['branchId', 'location'];

/** Demand of a reach on the fields of a request. */
export interface FieldRule {
  readonly fields: readonly string[];
  /** Value of a field that the request omits; undefined: nothing is filled in. */
  readonly own: string | undefined;
  readonly allows: (value: unknown) => boolean;
}

/** `idempotencyKey`: the header of the request. Returns undefined if the reach demands nothing. */
export function fieldRuleOf({ principal, reach }: Caller, idempotencyKey?: string): FieldRule | undefined {
  const { customerId, branchId } = principal;
  switch (reach) {
    case 'own customer':
      return ruleOf(customerFields, customerId);
    case 'own branch':
      return ruleOf(branchFields, branchId);
    case 'own branch and central':
      return {
        fields: branchFields,
        own: branchId ?? undefined,
        allows: (value) => value === branchId || value === CENTRAL,
      };
    case 'counter carts':
      return { fields: customerFields, own: undefined, allows: (value) => isCounterOf(branchId, value) };
    case 'guest':
      return ruleOf(customerFields, guestIdOf(principal, idempotencyKey));
    case 'any':
    case 'own commands':
    case 'availability':
      return undefined;
  }
}

function ruleOf(fields: readonly string[], own: string | null): FieldRule {
  return { fields, own: own ?? undefined, allows: (value) => value === own };
}

/** A customer id that no other principal gets. A repeat with the same key gets the same id. */
function guestIdOf({ idKey }: Principal, idempotencyKey: string | undefined): string {
  const bytes =
    idempotencyKey === undefined
      ? randomBytes(GUEST_BYTES)
      : createHmac('sha256', idKey).update(`guest/${idempotencyKey}`).digest().subarray(0, GUEST_BYTES);
  return `guest:${bytes.toString('base64url')}`;
}

const GUEST_BYTES = 16;

/**
 * The customer id of a counter's cart: `<branch>:<counter>`. A branch id has no colon, so no two branches share a
 * counter.
 */
function isCounterOf(branchId: string | null, customerId: unknown): boolean {
  return branchId !== null && typeof customerId === 'string' && customerId.startsWith(`${branchId}:`);
}

/** Owner and place of a stored object. `null` as a branch id is the head office. */
export interface Owner {
  readonly customerId?: string | null;
  /** Every branch or location to which the object belongs. */
  readonly branchIds?: readonly (string | null)[];
}

/** Whether a stored object is within reach. If it is not, a route responds as to an unknown id. */
export function reachesObject({ principal, reach }: Caller, owner: Owner): boolean {
  const branchIds = (owner.branchIds ?? []).map((branchId) => branchId ?? CENTRAL);
  switch (reach) {
    case 'any':
      return true;
    case 'own customer':
      return owner.customerId === principal.customerId;
    case 'own branch':
      return principal.branchId !== null && branchIds.includes(principal.branchId);
    case 'own branch and central':
      return branchIds.some((branchId) => branchId === principal.branchId || branchId === CENTRAL);
    case 'counter carts':
      return isCounterOf(principal.branchId, owner.customerId);
    case 'guest':
    case 'availability':
    case 'own commands':
      return false;
  }
}

/** Every role, in the order of the policy table. */
export const callerRoles = [
  'anonymous',
  'customer',
  'cashier',
  'branch-manager',
  'manager',
  'administrator',
  'integration',
  'operator',
  'branch',
] as const satisfies readonly CallerRole[];
