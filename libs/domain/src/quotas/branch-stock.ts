import { discrepancyOf, writtenOffOf, type MovementKind } from '@eco/contracts';
import { availableOf } from '../stock/stock-ledger.js';
import type { WorkingState } from '../working-state.js';
import type { UnitDeltas, UnitsAtBranch } from './unit-shares.js';

/** Units of one product that the home has recorded at a branch. */
export function unitsAt(branchId: string, productId: string, { stock }: WorkingState): UnitsAtBranch {
  return {
    onHand: availableOf(stock.level(productId, branchId)),
    writtenOff: stock.level(productId, writtenOffOf(branchId)).onHand,
    discrepancy: stock.level(productId, discrepancyOf(branchId)).onHand,
  };
}

/** Moves units at a branch, with one movement for each level that changes. */
export function moveAt(
  branchId: string,
  productId: string,
  movement: MovementKind,
  deltas: Partial<UnitDeltas>,
  commandId: string,
  { stock }: WorkingState,
): void {
  const moves: [location: string, delta: number | undefined][] = [
    [branchId, deltas.onHand],
    [writtenOffOf(branchId), deltas.writtenOff],
    [discrepancyOf(branchId), deltas.discrepancy],
  ];
  for (const [location, delta = 0] of moves) {
    if (delta === 0) continue;
    stock.move(stock.level(productId, location), { movement, onHandDelta: delta, reservedDelta: 0 }, commandId);
  }
}

/** Units by product: a product that is in two lines moves once. In the order of the first lines. */
export function unitsByProduct(lines: readonly { productId: string; quantity: number }[]): Map<string, number> {
  const units = new Map<string, number>();
  for (const { productId, quantity } of lines) units.set(productId, (units.get(productId) ?? 0) + quantity);
  return units;
}
