import { compareBatchPositions, type BatchPosition } from '@eco/routing';

/*
 * How old is the oldest batch of a group that a node has not shown? Between two clocks on two machines nobody can tell,
 * so none is asked: `at` is compared with `at`, both written by the group, and times of ours with times of ours.
 *
 * The lag of a node is the greater of two: the age of what it is known to miss, and the time for which this process may
 * have missed something itself.
 *
 * A node at or past the newest position known misses nothing that is known. For one that is behind there are two bounds,
 * and the smaller holds:
 *
 *   by the group's clock   the batch it misses is younger than the `at` that it shows
 *   by our own             the batch it misses was not there when the primary last stood where this node stands
 *
 * The first is exact to one heartbeat of the writer. The second is for a replica that stalls while its group is idle: its
 * `at` grows old there, and the first batch after an hour would look an hour late.
 *
 * A process that does not reach the primary learns of new batches from replicas alone, and these may be cut off as well.
 * The group's clock moves with each heartbeat, so what may be missed is as old as the last move that was seen here, or as
 * the newest `at` by the difference of the two clocks: a replica that replays late moves too. Nothing is missed up to the
 * last look at the primary. A process that has never reached the primary can't tell.
 */

/** The `group_state` of a node. */
export interface Observation {
  readonly position: BatchPosition;
  /** `group_state.at`, ms since 1970. */
  readonly atMs: number;
  /** Of the primary that shows it; undefined: a replica does. */
  readonly timeline?: number | undefined;
}

interface Newest extends Observation {
  /** When it was first seen. */
  readonly movedMs: number;
}

/** Where the primary was, and when, by our clock, it was last seen there. */
interface Step {
  readonly position: BatchPosition;
  untilMs: number;
}

/** A writer moves its group's clock at least this often. */
const HEARTBEAT_MS = 1_000;

// Ten minutes of an idle group's probes, one of a busy group's. For older ones only the group's clock counts.
const STEPS_MAX = 600;
const STEP_MS = 100;

/** All times `nowMs` are of one clock that never runs back, such as `performance.now()`. */
export class GroupClock {
  #newest: Newest | undefined;
  readonly #steps: Step[] = [];
  /** The group's clock less ours: the look that comes soonest after the group wrote comes closest, and none comes before. */
  #ahead = new RecentMax();
  #primarySeenMs: number | undefined;
  #timeline = 0;
  /** Tags of leaderships that a failover lost; nodes that have not been rewound still show them. */
  readonly #lost = new Set<string>();
  /** The last look at the primary that shows another leadership than the newest, of the same term or an earlier one. */
  #other: Observation | undefined;

  /**
   * To be called with whatever is seen of the group, whichever node shows it. `askedMs`: when the node was asked, so that
   * the snapshot is not older.
   */
  note(seen: Observation, askedMs: number, nowMs: number): void {
    const { position, timeline } = seen;
    const fromPrimary = timeline !== undefined;
    // A deposed primary knows nothing of its group.
    if (fromPrimary && timeline < this.#timeline) return;
    if (fromPrimary) {
      this.#timeline = timeline;
      this.#primarySeenMs = Math.max(this.#primarySeenMs ?? -Infinity, askedMs);
    }
    if (this.#newest === undefined || isAhead(seen, this.#newest)) {
      if (!fromPrimary && this.#lost.has(position.tag)) return;
      this.#lost.delete(position.tag);
      this.#move(seen, nowMs);
    } else if (fromPrimary && this.#showsOtherHistory(seen, askedMs, this.#newest)) {
      this.#lost.add(this.#newest.position.tag);
      this.#steps.length = 0;
      this.#ahead = new RecentMax();
      this.#move(seen, nowMs);
    }
    if (fromPrimary) this.#step(position, nowMs);
  }

  /** What the group's clock shows now, as well as can be told, ms since 1970; undefined while nothing was seen of it. */
  nowMs(nowMs: number): number | undefined {
    return this.#newest === undefined ? undefined : nowMs + this.#ahead.value;
  }

  /** For how long nothing new was seen of the group, which moves each second while it has a writer, ms. */
  stillMs(nowMs: number): number {
    return this.#newest === undefined ? Infinity : nowMs - this.#newest.movedMs;
  }

  /** Lag of a node that shows this: ms, whole; undefined: it can't be known. */
  lagMs(shown: Observation, nowMs: number): number | undefined {
    const newest = this.#newest;
    if (newest === undefined || this.#primarySeenMs === undefined || this.#lost.has(shown.position.tag))
      return undefined;
    const missedMs = this.#missedMs(shown, newest, nowMs);
    if (shown.timeline === this.#timeline) return missedMs;
    const movedAgoMs = Math.max(nowMs - newest.movedMs, nowMs + this.#ahead.value - newest.atMs);
    const unseenMs = Math.min(movedAgoMs, nowMs - this.#primarySeenMs) - HEARTBEAT_MS;
    return Math.max(missedMs, Math.round(unseenMs));
  }

  #missedMs(shown: Observation, newest: Newest, nowMs: number): number {
    if (compareBatchPositions(shown.position, newest.position) >= 0) return 0;
    const byGroupClock = newest.atMs - shown.atMs + (nowMs - newest.movedMs);
    const stood = this.#steps.findLast((step) => compareBatchPositions(step.position, shown.position) <= 0);
    const byOurClock = stood === undefined ? Infinity : nowMs - stood.untilMs;
    return Math.max(0, Math.round(Math.min(byGroupClock, byOurClock)));
  }

  #move({ position, atMs }: Observation, nowMs: number): void {
    this.#newest = { position, atMs, movedMs: nowMs };
    this.#other = undefined;
    // Once the primary can't be reached, what is new here may be long past there: it can only raise the difference.
    const aheadMs = atMs - nowMs;
    const primaryAwayMs = nowMs - (this.#primarySeenMs ?? nowMs);
    if (primaryAwayMs < RECENT_MS || aheadMs > this.#ahead.value) this.#ahead.add(aheadMs, nowMs);
  }

  /**
   * A failover can lose whole leaderships, and the next leader may take the same term again. So a primary that shows an
   * earlier leadership than the newest known, asked after that one was seen, and moves on in it, is right. One look is not
   * enough: while a new leader's first commit waits for a replica, replicas show the new term before the primary does.
   */
  #showsOtherHistory(seen: Observation, askedMs: number, newest: Newest): boolean {
    if (isSameLeadership(seen, newest) || askedMs <= newest.movedMs) return false;
    const before = this.#other;
    this.#other = seen;
    return before !== undefined && isSameLeadership(seen, before) && isAhead(seen, before);
  }

  #step(position: BatchPosition, nowMs: number): void {
    const last = this.#steps.at(-1);
    const ahead = last === undefined ? 1 : compareBatchPositions(position, last.position);
    if (last !== undefined && ahead === 0) last.untilMs = nowMs;
    if (ahead <= 0 || (last !== undefined && nowMs - last.untilMs < STEP_MS)) return;
    this.#steps.push({ position, untilMs: nowMs });
    if (this.#steps.length > STEPS_MAX) this.#steps.shift();
  }
}

function isSameLeadership({ position: a }: Observation, { position: b }: Observation): boolean {
  return a.term === b.term && a.tag === b.tag;
}

/** Of two leaderships with one term neither is ahead: one of them was lost. */
function isAhead(seen: Observation, than: Observation): boolean {
  if (!isSameLeadership(seen, than)) return seen.position.term > than.position.term;
  return (
    seen.position.seq - than.position.seq > 0 || (seen.position.seq === than.position.seq && seen.atMs > than.atMs)
  );
}

/**
 * The greatest of what was added in the last 5 to 10 s. It stays when nothing is added: a group that is not seen to move
 * says nothing about its clock. A correction of a server's clock is forgotten as soon.
 */
class RecentMax {
  #older = -Infinity;
  #recent = -Infinity;
  #sinceMs = -Infinity;

  get value(): number {
    return Math.max(this.#older, this.#recent);
  }

  add(value: number, nowMs: number): void {
    const ageMs = nowMs - this.#sinceMs;
    if (ageMs >= RECENT_MS) {
      this.#older = ageMs < 2 * RECENT_MS ? this.#recent : -Infinity;
      this.#recent = -Infinity;
      this.#sinceMs = nowMs;
    }
    this.#recent = Math.max(this.#recent, value);
  }
}

const RECENT_MS = 5_000;
