/** Pool up to which a branch may get all of it. Half of it would be one unit after the other. */
export const SMALL_POOL = 10;

/**
 * Units that the home grants to a branch that asks: at most what it asks, and at most half of what is available, so
 * that one branch does not empty the pool from which the others and the web shop sell. 0: there is nothing to grant.
 */
export function grantOf({ available, asked }: { available: number; asked: number }): number {
  const spared = Math.max(Math.ceil(available / 2), Math.min(available, SMALL_POOL));
  return Math.min(asked, spared);
}
