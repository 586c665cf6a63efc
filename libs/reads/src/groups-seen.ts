import { bucketOf } from '@eco/routing';

/**
 * Time without a move after which a group decides nothing, ms. A writer moves its group's clock each second, and
 * another one takes over within two.
 */
const STILL_MS = 5_000;

/** What a process has seen of a group. */
export interface SeenGroup {
  readonly group: string;
  /** BUCKETS of the cluster; undefined: nothing was seen of the group. */
  readonly buckets: number | undefined;
  /** The group's current time, ms since 1970; undefined: nothing was seen of it. It may be late and is never early. */
  readonly groupNowMs: number | undefined;
  /** Time for which the group has not moved, ms. Infinity: nothing was seen of it. */
  readonly stillMs: number;
  /** Buckets that the group owned when it was last seen. */
  readonly ownedBuckets: readonly number[];
}

/** Answers which group decides about a key, and by which clock. */
export class GroupsSeen {
  readonly #groups: readonly SeenGroup[];

  constructor(groups: readonly SeenGroup[]) {
    this.#groups = groups;
  }

  /** The group that owned the key's bucket when last seen; undefined if unknown. */
  groupOf(key: string): string | undefined {
    return this.#ofKey(key)?.group;
  }

  /**
   * The clock by which the key's group decides whether a command is too late, ms since 1970; undefined if nothing is
   * seen of the group.
   */
  groupNowMs(key: string): number | undefined {
    return this.#ofKey(key)?.groupNowMs;
  }

  /** Like `groupNowMs`, but only while the group moves. The last time of a group that does not move is useless. */
  movingGroupNowMs(key: string): number | undefined {
    const group = this.#ofKey(key);
    return group !== undefined && group.stillMs < STILL_MS ? group.groupNowMs : undefined;
  }

  /** The reason why the key's group decides nothing now, as far as known. Undefined: it decides. */
  standstill(key: string): string | undefined {
    const found = this.#ofKey(key);
    if (found === undefined) return 'no group is known to own its bucket';
    const { group, stillMs } = found;
    if (stillMs < STILL_MS) return undefined;
    if (stillMs === Infinity) return `nothing is seen of group ${group}`;
    return `group ${group} has stalled for ${Math.round(stillMs / 1000)} s`;
  }

  #ofKey(key: string): SeenGroup | undefined {
    const buckets = this.#groups.find((each) => each.buckets !== undefined)?.buckets;
    if (buckets === undefined) return undefined;
    const bucket = bucketOf(key, buckets);
    return this.#groups.find(({ ownedBuckets }) => ownedBuckets.includes(bucket));
  }
}
