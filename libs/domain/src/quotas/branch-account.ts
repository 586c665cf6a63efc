import { discrepancyOf, quarantineOf, writtenOffOf, type MovementKind } from '@eco/contracts';
import type { Account, AccountDeltas } from '../quota/account.js';
import { availableOf } from '../stock/stock-ledger.js';
import type { WorkingState } from '../working-state.js';

/** The stock level of each place of a branch's account. The places in the order in which they move. */
const locationsOf = {
  level: (branchId: string) => branchId,
  quarantine: quarantineOf,
  writtenOff: writtenOffOf,
  discrepancy: discrepancyOf,
} satisfies Record<keyof Account, (branchId: string) => string>;
const places = Object.entries(locationsOf) as [keyof Account, (branchId: string) => string][];

/** Units of one product that the home has recorded at a branch. */
export function accountAt(branchId: string, productId: string, { stock }: WorkingState): Account {
  const units = places.map(([place, of]) => [place, availableOf(stock.level(productId, of(branchId)))]);
  return Object.fromEntries(units) as Account;
}

/** Moves units at a branch, with one movement for each place that changes. */
export function moveAt(
  branchId: string,
  productId: string,
  movement: MovementKind,
  deltas: AccountDeltas,
  commandId: string,
  { stock }: WorkingState,
): void {
  for (const [place, of] of places) {
    const onHandDelta = deltas[place] ?? 0;
    if (onHandDelta === 0) continue;
    stock.move(stock.level(productId, of(branchId)), { movement, onHandDelta, reservedDelta: 0 }, commandId);
  }
}

/** Units by product: a product that is in two lines moves once. In the order of the first lines. */
export function unitsByProduct(lines: readonly { productId: string; quantity: number }[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { productId, quantity } of lines) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return units;
}
