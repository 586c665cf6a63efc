import { hash } from 'node:crypto';

/*
 * The two routers of the system that EcoMarket takes over from. Nothing is routed by them: they stand here so that
 * `eco shards compare` can show what a growing cluster would cost with each.
 */

/** As many as the predecessor had. */
export const VIRTUAL_NODES = 150;

/** A consistent-hash ring: each group sits at many points of it, a key belongs to the next point clockwise. */
export interface Ring {
  readonly groups: readonly string[];
  /** Ascending, 48 bits each. */
  readonly points: readonly number[];
  /** For each point, the index of its group. */
  readonly owners: readonly number[];
}

export function ringOf(groups: readonly string[], virtualNodes = VIRTUAL_NODES): Ring {
  const nodes = groups.flatMap((group, owner) =>
    Array.from({ length: virtualNodes }, (_, node) => ({ point: pointOf(`${group}-${node}`), owner })),
  );
  nodes.sort((a, b) => a.point - b.point || a.owner - b.owner);
  return { groups, points: nodes.map(({ point }) => point), owners: nodes.map(({ owner }) => owner) };
}

/** The index of the key's group in `ring.groups`. */
export function groupOnRing(ring: Ring, key: string): number {
  const point = pointOf(key);
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

/** `MD5(key) mod groups`: the whole digest as one number, as the predecessor took it. */
export function groupByModulo(key: string, groups: number): number {
  const digest = hash('md5', key, 'hex');
  let rest = 0;
  // Eight digits at a time stay exact in a double for any number of groups below 2^21.
  for (let digit = 0; digit < digest.length; digit += 8) {
    rest = (rest * 2 ** 32 + Number.parseInt(digest.slice(digit, digit + 8), 16)) % groups;
  }
  return rest;
}

function pointOf(text: string): number {
  return Number.parseInt(hash('md5', text, 'hex').slice(0, 12), 16);
}
