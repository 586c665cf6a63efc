import { bucketsOf, type Placement } from '@eco/routing';
import { chiSquareOf, chiSquareP } from './chi-square.js';

/** The distribution of keys over places (buckets, groups), compared with the ideal one. */
export interface Spread {
  readonly keys: number;
  /** Places in the order of the given counts. */
  readonly places: readonly {
    readonly keys: number;
    /** Ideal number of keys of the place; not always whole. */
    readonly ideal: number;
    /** Deviation, in percent of the ideal. */
    readonly deviationPercent: number;
  }[];
  readonly chiSquare: number;
  readonly degreesOfFreedom: number;
  /** Probability that a random spread is at least this uneven. */
  readonly p: number;
  /** False: a place should have fewer than 5 keys, so chi-square says little. */
  readonly enoughKeys: boolean;
}

/**
 * Compares counts of keys with the ideal. `weights`: relative sizes of the places, by default all equal. Throws a
 * RangeError if there is no key, or if there are not as many weights as counts.
 */
export function spreadOf(counts: readonly number[], weights: readonly number[] = counts.map(() => 1)): Spread {
  const keys = sum(counts);
  if (keys === 0) {
    throw new RangeError('there is no key to count');
  }
  if (weights.length !== counts.length || !weights.every((weight) => weight > 0)) {
    throw new RangeError(`${counts.length} places need as many weights above 0, not ${weights.join(', ')}`);
  }
  const weight = sum(weights);
  const ideals = weights.map((one) => (keys * one) / weight);
  const chiSquare = chiSquareOf(counts, ideals);
  const degreesOfFreedom = counts.length - 1;
  return {
    keys,
    places: ideals.map((ideal, index) => {
      const count = counts[index] ?? 0;
      return { keys: count, ideal, deviationPercent: (count / ideal - 1) * 100 };
    }),
    chiSquare,
    degreesOfFreedom,
    p: chiSquareP(chiSquare, degreesOfFreedom),
    enoughKeys: Math.min(...ideals) >= 5,
  };
}

/** The spread of the buckets' keys over the placement's groups. Each group weighs as much as it has buckets. */
export function spreadOverGroups(placement: Placement, keysOfBuckets: readonly number[]): Spread {
  const owned = placement.groups.map((group) => bucketsOf(placement, group));
  return spreadOf(
    owned.map((buckets) => sum(buckets.map((bucket) => keysOfBuckets[bucket] ?? 0))),
    owned.map((buckets) => buckets.length),
  );
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
