import { addGroup, bucketOf, evenPlacement, groupOf, type Placement } from '@eco/routing';
import { groupByModulo, groupOnRing, md5Of, ringOf } from './ring.js';

/** Names of groups of an imaginary cluster: `g1`, `g2`, … */
export function groupIdsOf(groups: number): string[] {
  return Array.from({ length: groups }, (_, index) => `g${index + 1}`);
}

export type RouterMethod = 'modulo' | 'ring' | 'buckets';

interface RouterMoves {
  readonly method: RouterMethod;
  /** Keys that belong to another group after the growth. */
  readonly moved: number;
  /** Keys of the group with the most keys after the growth. */
  readonly fullest: number;
}

/** Cost of a growth by some groups with each router, counted over keys that are added one by one. */
export interface RouterComparison {
  add(key: string): void;
  /** The counts for the keys that were added so far. */
  moves(): RouterMoves[];
}

/**
 * Compares `MD5 mod groups`, a consistent-hash ring and EcoMarket's placed buckets for a cluster of `groups` groups
 * that grows by `added`. Throws a RangeError if there are fewer buckets than groups.
 */
export function compareRouters(growth: { groups: number; added: number; buckets: number }): RouterComparison {
  const { groups, added, buckets } = growth;
  const idsAfter = groupIdsOf(groups + added);
  const idsBefore = idsAfter.slice(0, groups);
  const ringBefore = ringOf(idsBefore);
  const ringAfter = ringOf(idsAfter);
  const placedBefore = evenPlacement(buckets, idsBefore);
  const placedAfter = idsAfter.slice(groups).reduce(addGroup, placedBefore);

  const ownerIndex = (placement: Placement) =>
    placement.owners.map((_, bucket) => idsAfter.indexOf(groupOf(placement, bucket)));
  const ownersBefore = ownerIndex(placedBefore);
  const ownersAfter = ownerIndex(placedAfter);

  const tallies = {
    modulo: newTally(idsAfter.length),
    ring: newTally(idsAfter.length),
    buckets: newTally(idsAfter.length),
  };
  return {
    add(key) {
      const digest = md5Of(key);
      count(tallies.modulo, groupByModulo(digest, groups), groupByModulo(digest, groups + added));
      count(tallies.ring, groupOnRing(ringBefore, digest), groupOnRing(ringAfter, digest));
      const bucket = bucketOf(key, buckets);
      count(tallies.buckets, ownersBefore[bucket] ?? 0, ownersAfter[bucket] ?? 0);
    },
    moves: () =>
      (['modulo', 'ring', 'buckets'] as const).map((method) => ({
        method,
        moved: tallies[method].moved,
        fullest: Math.max(...tallies[method].keysAfter),
      })),
  };
}

interface Tally {
  moved: number;
  readonly keysAfter: number[];
}

const newTally = (groups: number): Tally => ({ moved: 0, keysAfter: new Array<number>(groups).fill(0) });

function count(tally: Tally, before: number, after: number): void {
  if (before !== after) tally.moved += 1;
  tally.keysAfter[after] = (tally.keysAfter[after] ?? 0) + 1;
}
