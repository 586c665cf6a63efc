import { assertBucketCount } from './bucket.js';

/*
 * Which group owns which bucket. A placement is a plan and never changes; what holds at a moment stands in each
 * group's own `bucket_ownership`. There is one rule for growing, and a fresh cluster follows it too: the first group
 * has everything, each further one is added. So a cluster that started with four groups and one that grew to four
 * place their buckets alike.
 */

const GROUP_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

export interface Placement {
  /** Group ids in the order in which they were added. */
  readonly groups: readonly string[];
  /** The owner's group id for each bucket; its length is the number of buckets. */
  readonly owners: readonly string[];
}

export interface BucketMove {
  readonly bucket: number;
  readonly from: string;
  readonly to: string;
}

/** Group ids stand in queue names, routing keys (so no dots) and positions (so no `=`). */
export function isGroupId(text: string): boolean {
  return GROUP_ID.test(text);
}

/** A placement read from somewhere, checked. Throws a RangeError that names every violation. */
export function placementOf(groups: readonly string[], owners: readonly string[]): Placement {
  assertBucketCount(owners.length);
  const faults: string[] = [];
  if (groups.length > owners.length) {
    faults.push(`${owners.length} buckets can't be placed on ${groups.length} groups: one would own nothing`);
  }
  groups.forEach((group, index) => {
    if (!isGroupId(group)) faults.push(`not a group id: ${JSON.stringify(group)}`);
    if (groups.indexOf(group) !== index) faults.push(`the group ${group} is named twice`);
  });
  owners.forEach((owner, bucket) => {
    if (!groups.includes(owner)) faults.push(`bucket ${bucket} belongs to ${owner}, which is not among the groups`);
  });
  if (faults.length > 0) {
    throw new RangeError(faults.join('; '));
  }
  return Object.freeze({ groups: Object.freeze([...groups]), owners: Object.freeze([...owners]) });
}

/** Buckets placed so that no group has two more than another. Throws a RangeError for a bad count or bad groups. */
export function evenPlacement(buckets: number, groupIds: readonly string[]): Placement {
  assertBucketCount(buckets);
  const [first, ...others] = groupIds;
  if (first === undefined) {
    throw new RangeError('buckets must be placed on at least one group');
  }
  return others.reduce(addGroup, placementOf([first], new Array<string>(buckets).fill(first)));
}

/**
 * The placement with one group more: no group has two buckets more than another, and as few are moved as can be. From
 * an even placement only the new group receives; an uneven one is made even on the way. Throws a RangeError for a
 * group id that is bad or known, or when there are not enough buckets for one more group.
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

/** Throws a RangeError for a bucket that is not there. */
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

/** What must move to get from one placement to another of as many buckets, ascending by bucket. */
export function movesBetween(before: Placement, after: Placement): BucketMove[] {
  if (before.owners.length !== after.owners.length) {
    throw new RangeError(`a placement of ${before.owners.length} buckets can't become one of ${after.owners.length}`);
  }
  return before.owners.flatMap((from, bucket) => {
    const to = groupOf(after, bucket);
    return from === to ? [] : [{ bucket, from, to }];
  });
}

/** How many buckets each group is to have. The larger quotas go to the groups that have most, so the fewest leave. */
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
