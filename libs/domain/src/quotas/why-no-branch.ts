import { CENTRAL } from '@eco/contracts';
import { refused, type Refused } from '../rules.js';
import type { KeySets } from '../state.js';
import type { WorkingState } from '../working-state.js';

/** Adds the keys of units of a product at a branch. */
export function needUnits({ branchId, productId }: UnitsOf, keys: KeySets): void {
  keys.productIds.add(productId);
  keys.stockProductIds.add(productId);
  keys.locations.add(branchId);
}

interface UnitsOf {
  branchId: string;
  productId: string;
}

/** A refusal if the product or the branch is unknown. A deleted product is known, because its units still exist. */
export function whyNoUnitsOf(
  { branchId, productId }: UnitsOf,
  state: WorkingState,
): Refused<'product-unknown' | 'branch-unknown'> | undefined {
  if (!state.catalogue.existsOrExisted(productId)) return refused('product-unknown');
  return whyNoBranch(branchId, state);
}

export function whyNoBranch(branchId: string, { locations }: WorkingState): Refused<'branch-unknown'> | undefined {
  return branchId === CENTRAL || !locations.has(branchId) ? refused('branch-unknown') : undefined;
}
