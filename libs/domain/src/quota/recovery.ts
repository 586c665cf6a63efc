/**
 * A home that was restored from an older copy has forgotten grants: units that a holder may sell are in its pool again.
 * So it begins a new epoch and spends nothing from the pool until each holder has sent it again what it lacks, or was
 * written off.
 */
export interface HolderContact<Epoch> {
  /** The home's epoch for which the holder is awaited. */
  readonly awaitedEpoch: Epoch;
  /** The epoch of the home to which the holder has reported last, or that has written it off. */
  readonly settledEpoch: Epoch;
}

/** Whether the home has everything again that this holder did. */
export function isSettled<Epoch>({ awaitedEpoch, settledEpoch }: HolderContact<Epoch>): boolean {
  return settledEpoch === awaitedEpoch;
}

/** Whether the home may sell or grant units of its pool: no holder can have units that the home has forgotten. */
export function mayUsePool<Epoch>(holders: Iterable<HolderContact<Epoch>>): boolean {
  for (const holder of holders) if (!isSettled(holder)) return false;
  return true;
}

/**
 * Units of the pool that become the holder's when it reports the acceptance of a grant that the home has forgotten. The
 * home stores the grant as arrived, so that a late copy of its request gets nothing. After the recovery the pool may have
 * sold the units, so then there are none, and the holder's sales are discrepancies.
 */
export function forgottenGrant(pool: number, quantity: number, isSettled: boolean): number {
  return isSettled ? 0 : Math.min(pool, quantity);
}
