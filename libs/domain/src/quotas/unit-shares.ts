/**
 * Which units of a product at a branch a step moves. Pure arithmetic: the home books a sale by it, and the model of the
 * protocol uses the same functions. A part that is missing from every record becomes a discrepancy, never a refusal.
 */

/** Units of one product that the home has recorded at a branch. */
export interface UnitsAtBranch {
  /** The quota: units that the branch may sell. */
  readonly onHand: number;
  /** Units that a manager has written off. */
  readonly writtenOff: number;
  /** Units that left the branch beyond its quota and that nobody has explained yet. */
  readonly discrepancy: number;
}

/** Changes of `UnitsAtBranch`. */
export type UnitDeltas = UnitsAtBranch;

/** Sold units come from the quota, then from what was written off. The rest is a discrepancy. */
export function soldFrom({ onHand, writtenOff }: UnitsAtBranch, quantity: number): UnitDeltas {
  const fromQuota = Math.min(onHand, quantity);
  const fromWrittenOff = Math.min(writtenOff, quantity - fromQuota);
  return {
    onHand: minus(fromQuota),
    writtenOff: minus(fromWrittenOff),
    discrepancy: quantity - fromQuota - fromWrittenOff,
  };
}

/** Units of a void first take back what is open as a discrepancy. The rest can be sold again. */
export function voidedTo({ discrepancy }: UnitsAtBranch, quantity: number): UnitDeltas {
  const explained = Math.min(discrepancy, quantity);
  return { onHand: quantity - explained, writtenOff: 0, discrepancy: minus(explained) };
}

/** What a count changes. `settled`: the discrepancy that was open, which the count explains. */
export interface CountDeltas {
  readonly onHand: number;
  /** Units missing at the branch that the home had not recorded there. */
  readonly excess: number;
  readonly settled: number;
}

/**
 * A count changes the quota by the difference that the branch found, not to the counted number: the home may have
 * recorded other units since, which the branch does not know yet.
 */
export function countedAt({ onHand, discrepancy }: UnitsAtBranch, delta: number): CountDeltas {
  const level = Math.max(delta, minus(onHand));
  return { onHand: level, excess: level - delta, settled: discrepancy };
}

/** Without -0, which is another value for tests and for JSON. */
function minus(units: number): number {
  return units === 0 ? 0 : -units;
}
