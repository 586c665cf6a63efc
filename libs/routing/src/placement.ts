import { assertBucketCount } from './bucket.js';

/*
 * Assigns buckets to groups. A placement is a plan and never changes; the current state is in each group's
 * `bucket_ownership`. There is one rule for growth, and a new cluster follows it too: the first group has everything,
 * and each further one is added. So a cluster that started with four groups and one that grew to four have the same
 * placement.
 */

const GROUP_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

export interface Placement {
  /** Group ids in the order in which they were added. */
  readonly groups: readonly string[];
  /** The owner's group id for each bucket; its length is the number of buckets. */
  readonly owners: readonly string[];
}

/** Group ids are part of queue names, routing keys (so no dots) and positions (so no `=`). */
export function isGroupId(text: string): boolean {
  return GROUP_ID.test(text);
}

/** Checks a placement. Throws a RangeError that names every violation. */
export function placementOf(groups: readonly string[], owners: readonly string[]): Placement {
  assertBucketCount(owners.length);
  const violations: string[] = [];
  if (groups.length > owners.length) {
    violations.push(`${owners.length} buckets can't be placed on ${groups.length} groups: one would own nothing`);
  }
  groups.forEach((group, index) => {
    if (!isGroupId(group)) violations.push(`not a group id: ${JSON.stringify(group)}`);
    if (groups.indexOf(group) !== index) violations.push(`the group ${group} is named twice`);
  });
  owners.forEach((owner, bucket) => {
    if (!groups.includes(owner)) violations.push(`bucket ${bucket} belongs to ${owner}, which is not among the groups`);
  });
  if (violations.length > 0) {
    throw new RangeError(violations.join('; '));
  }
  return Object.freeze({ groups: Object.freeze([...groups]), owners: Object.freeze([...owners]) });
}

/**
 * Places buckets so that no group has two more than another. Throws a RangeError for an invalid number of buckets or
 * invalid groups.
 */
export function evenPlacement(buckets: number, groupIds: readonly string[]): Placement {
  assertBucketCount(buckets);
  const [first, ...others] = groupIds;
  if (first === undefined) {
    throw new RangeError('buckets must be placed on at least one group');
  }
  return others.reduce(addGroup, placementOf([first], new Array<string>(buckets).fill(first)));
}

/**
 * The placement with one more group: no group has two buckets more than another, and as few as possible move. If the
 * placement is even, only the new group receives buckets. An uneven placement is also balanced. Throws a RangeError for
 * an invalid or known group id, or if there are not enough buckets.
 */
export function addGroup(placement: Placement, groupId: string): Placement {
  if (placement.groups.includes(groupId)) {
    throw new RangeError(`the group ${groupId} is named twice`);
  }
  const groups = [...placement.groups, groupId];
  const owners = [...placement.owners];
  const room = quotas(placement, groups);
  const left: number[] = [];
  owners.forEach((owner, bucket) => {
    if (!takeRoom(room, owner)) left.push(bucket);
  });
  for (const bucket of left) {
    const receiver = groups.find((group) => takeRoom(room, group));
    if (receiver !== undefined) owners[bucket] = receiver;
  }
  return placementOf(groups, owners);
}

/** Throws a RangeError for a missing bucket. */
export function groupOf(placement: Placement, bucket: number): string {
  const owner = placement.owners[bucket];
  if (owner === undefined) {
    throw new RangeError(`there is no bucket ${bucket} among ${placement.owners.length}`);
  }
  return owner;
}

/** The group's buckets, ascending; none for a group that is not in the placement. */
export function bucketsOf(placement: Placement, groupId: string): number[] {
  return placement.owners.flatMap((owner, bucket) => (owner === groupId ? [bucket] : []));
}

/**
 * The number of buckets of each group. Larger quotas go to the groups with the most buckets, so that the fewest move.
 */
function quotas(placement: Placement, groups: readonly string[]): Map<string, number> {
  const buckets = placement.owners.length;
  const low = Math.floor(buckets / groups.length);
  const withOneMore = buckets % groups.length;
  const owned = new Map(groups.map((group) => [group, bucketsOf(placement, group).length]));
  const largestFirst = [...groups].sort((a, b) => (owned.get(b) ?? 0) - (owned.get(a) ?? 0));
  return new Map(largestFirst.map((group, rank) => [group, rank < withOneMore ? low + 1 : low]));
}

function takeRoom(room: Map<string, number>, group: string): boolean {
  const places = room.get(group) ?? 0;
  if (places === 0) return false;
  room.set(group, places - 1);
  return true;
}
