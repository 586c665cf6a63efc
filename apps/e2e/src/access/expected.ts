import type { Access } from '@eco/access';
import type { TestCaller } from './callers.js';
import type { Sample } from './samples.js';

/**
 * `in reach`: neither the role nor the objects are a reason to refuse. The rules of the command may still refuse it.
 */
export type Expected = 'in reach' | 400 | 401 | 403 | 404;

/** An API, and the branch that it serves. */
export interface TestedApi {
  readonly name: string;
  readonly served: string | null;
}

/**
 * The answer that the policy table demands for a request. This code is separate, so that it does not share an error
 * with the library that the services use.
 */
export function expectedOf(access: Access, caller: TestCaller, sample: Sample, api: TestedApi): Expected {
  const { grant, onlyAt, through } = caller;
  if (grant === undefined || (onlyAt !== undefined && onlyAt !== api.name)) return 401;
  const served = through?.branchId ?? api.served;
  if (grant === 'anonymous') {
    if (access.anonymous === undefined) return 401;
    return access.anonymous === 'guest' && sample.names?.customerId !== undefined ? 403 : 'in reach';
  }
  if (caller.isLate && access.graceful !== true) return 401;
  const { role, branchId, customerId, scopes = [] } = grant;
  if (served !== null && branchId !== undefined && branchId !== served) return 403;
  const scope = access.integration;
  const ofIntegration = scope === 'own commands' ? scope : scopes.some((each) => each === scope) && ('any' as const);
  const reach = role === 'integration' ? ofIntegration : access[role];
  if (!reach) return 403;
  const { names = {}, stored } = sample;
  switch (reach) {
    case 'own commands':
      // Another account has requested the command.
      return 404;
    case 'own customer':
      if (names.customerId !== undefined && names.customerId !== customerId) return 403;
      return stored !== undefined && stored.customerId !== customerId ? 404 : 'in reach';
    case 'own branch':
    case 'own branch and central':
      if (sample.lacksCustomer) return 400;
      if (names.branchId !== undefined && names.branchId !== branchId) return 403;
      return stored?.branchIds?.includes(branchId ?? '') === false ? 404 : 'in reach';
    case 'counter carts':
      return names.customerId?.startsWith(`${branchId}:`) === true ? 'in reach' : 403;
    default:
      return sample.lacksCustomer ? 400 : 'in reach';
  }
}
