import { reachesObject, type Access, type Caller } from '@eco/access';
import type { CommandKind } from '@eco/contracts';

/*
 * Policies that several operations share. docs/access.md shows all of them as a table.
 */

const ofBranch = { cashier: 'own branch', 'branch-manager': 'own branch' } as const satisfies Access;

/** The catalogue is public. */
export const readsCatalogue = {
  anonymous: 'any',
  customer: 'any',
  cashier: 'any',
  'branch-manager': 'any',
  manager: 'any',
  integration: 'read',
} as const satisfies Access;

/** A branch sees its own stock, and that of the head office, from which orders are filled. */
export const readsStock = {
  cashier: 'own branch and central',
  'branch-manager': 'own branch and central',
  manager: 'any',
  integration: 'read',
} as const satisfies Access;

export const readsOrders = {
  customer: 'own customer',
  ...ofBranch,
  manager: 'any',
  integration: 'read',
} as const satisfies Access;

export const readsTransfers = { ...ofBranch, manager: 'any', integration: 'read' } as const satisfies Access;

export const readsCustomers = { customer: 'own customer', ...ofBranch, manager: 'any' } as const satisfies Access;

/** Search for customers by their e-mail address. It is not for customers. */
export const findsCustomers = { ...ofBranch, manager: 'any' } as const satisfies Access;

/** The list of all customers. */
export const listsCustomers = { manager: 'any' } as const satisfies Access;

/** A customer may change and erase itself. Whether staff of a branch may is for the head office to decide, so it does it. */
export const changesCustomers = (kind: CommandKind) =>
  ({ customer: 'own customer', manager: 'any', integration: kind }) as const satisfies Access;

/** Statistics of a branch are for its manager, not for its cashiers. */
export const readsStatistics = {
  'branch-manager': 'own branch',
  manager: 'any',
  integration: 'read',
} as const satisfies Access;

/** So are its quotas and its sales at the head office. */
export const readsBranches = { ...readsStatistics } as const satisfies Access;

/** Carts belong to customers, and to the counters of a branch. */
export const readsCart = {
  customer: 'own customer',
  cashier: 'counter carts',
  'branch-manager': 'counter carts',
} as const satisfies Access;

export const editsCart = (kind: CommandKind) => ({ ...readsCart, integration: kind }) as const satisfies Access;

/** Changes that only the head office decides: the catalogue and its stock. */
export const changesStock = (kind: CommandKind) => ({ manager: 'any', integration: kind }) as const satisfies Access;

/** Changes that staff make to the orders of their branch. */
export const changesAsStaff = (kind: CommandKind) =>
  ({ ...ofBranch, manager: 'any', integration: kind }) as const satisfies Access;

/** Changes that staff make, and customers to their own orders. */
export const changesOrders = (kind: CommandKind) =>
  ({ customer: 'own customer', ...changesAsStaff(kind) }) as const satisfies Access;

/** Whether a stored order, reservation or customer is in the caller's reach. */
export function isInReach(
  caller: Caller,
  { customerId, branchId }: { readonly customerId: string; readonly branchId: string | null },
): boolean {
  return reachesObject(caller, { customerId, branchIds: [branchId] });
}
