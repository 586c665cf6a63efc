import { hash } from 'node:crypto';

/*
 * The two routers of the system that EcoMarket replaces. Nothing is routed by them: they exist so that `eco shards
 * compare` can show what a growing cluster would cost with each.
 */

/** Points of each group on the ring, as many as in the predecessor. */
export const VIRTUAL_NODES = 150;

/** The hash of a key, 32 hexadecimal digits. Both routers use it, so a key is hashed once for both. */
export function md5Of(text: string): string {
  return hash('md5', text, 'hex');
}

/** A consistent-hash ring. Each group has many points on it. A key belongs to the group of the next point clockwise. */
export interface Ring {
  readonly groups: readonly string[];
  /** Hashes of the points, ascending, 48 bits each. */
  readonly points: readonly number[];
  /** For each point, the index of its group. */
  readonly owners: readonly number[];
}

export function ringOf(groups: readonly string[], virtualNodes = VIRTUAL_NODES): Ring {
  const nodes = groups.flatMap((group, owner) =>
    Array.from({ length: virtualNodes }, (_, node) => ({ point: pointOf(md5Of(`${group}-${node}`)), owner })),
  );
  nodes.sort((a, b) => a.point - b.point || a.owner - b.owner);
  return { groups, points: nodes.map(({ point }) => point), owners: nodes.map(({ owner }) => owner) };
}

/** The index in `ring.groups` of the owner of this digest's key. */
export function groupOnRing(ring: Ring, digest: string): number {
  const point = pointOf(digest);
  let low = 0;
  let high = ring.points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ring.points[middle] as number) < point) low = middle + 1;
    else high = middle;
  }
  const owner = ring.owners[low] ?? ring.owners[0];
  if (owner === undefined) {
    throw new RangeError('a ring without groups owns nothing');
  }
  return owner;
}

/** `MD5(key) mod groups`: the whole digest as one number, as in the predecessor. */
export function groupByModulo(digest: string, groups: number): number {
  let rest = 0;
  // Eight digits at a time stay exact in a double for any number of groups below 2^21.
  for (let digit = 0; digit < digest.length; digit += 8) {
    rest = (rest * 2 ** 32 + Number.parseInt(digest.slice(digit, digit + 8), 16)) % groups;
  }
  return rest;
}

function pointOf(digest: string): number {
  return Number.parseInt(digest.slice(0, 12), 16);
}
