import { compareBatchPositions, type BatchPosition } from '@eco/routing';

/*
 * Computes the lag of a node: the age of the oldest batch that it does not show. Clocks of two machines can't be
 * compared. So a time written by the group (`at`) is compared only with another one, and a time of this process with
 * another time of this process.
 *
 * The lag of a node is the greater of two values: the age of the batches that it is known to miss, and the time for
 * which this process itself may have missed batches.
 *
 * A node at or past the newest known position misses nothing that is known. For a node that is behind there are two
 * upper bounds, and the smaller one counts:
 * - by the group's clock: the missing batch is younger than the `at` that the node shows;
 * - by our own clock: the missing batch did not exist when the primary was last seen at the node's position.
 *
 * The first bound is exact to one heartbeat of the writer. The second is for a replica that stalls while its group is
 * idle: its `at` grows old, and the first batch after an hour would look an hour late.
 *
 * A process that does not reach the primary learns about new batches only from replicas, which may be cut off as well.
 * The group's clock moves with each heartbeat. So the time since the last move that was seen bounds what may be
 * missing. A replica that replays late moves too, so the age of the newest `at`, by the difference of the two clocks,
 * is a second bound. Nothing is missing up to the last look at the primary. A process that has never reached the
 * primary can't know its lag.
 */

/** The `group_state` of a node. */
export interface Observation {
  readonly position: BatchPosition;
  /** `group_state.at`, ms since 1970. */
  readonly atMs: number;
  /** Timeline of the primary that shows it; undefined: a replica does. */
  readonly timeline?: number | undefined;
}

interface Newest extends Observation {
  /** First time at which this process saw it, by its own clock. */
  readonly movedMs: number;
}

/** A position of the primary, and when this process last saw the primary there. */
interface Step {
  readonly position: BatchPosition;
  untilMs: number;
}

/** A writer moves its group's clock at least this often. */
const HEARTBEAT_MS = 1_000;

// Number of steps kept: ten minutes of an idle group's probes, or one minute of a busy group's. For older positions
// only the group's clock counts.
const STEPS_MAX = 600;
const STEP_MS = 100;

/** All times `nowMs` come from one clock that never runs back, such as `performance.now()`. */
export class GroupClock {
  #newest: Newest | undefined;
  readonly #steps: Step[] = [];
  /**
   * Time by which the group's clock is ahead of this process's clock, ms. A look can only underestimate it; the look
   * soonest after a write is the most accurate.
   */
  #ahead = new RecentMax();
  #primarySeenMs: number | undefined;
  #timeline = 0;
  /** Tags of leaderships that a failover lost. Nodes that were not rewound still show them. */
  readonly #lost = new Set<string>();
  /**
   * The last look at the primary that shows another leadership than the newest one, with the same term or an earlier
   * one.
   */
  #other: Observation | undefined;

  /**
   * Call it with every observation of the group, on any node. `askedMs`: when the node was asked; its snapshot is at
   * least as new.
   */
  note(seen: Observation, askedMs: number, nowMs: number): void {
    const { position, timeline } = seen;
    const fromPrimary = timeline !== undefined;
    // A deposed primary knows nothing about its group.
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

  /** The group's present time as far as known, ms since 1970; undefined if nothing was seen of it. */
  nowMs(nowMs: number): number | undefined {
    return this.#newest === undefined ? undefined : nowMs + this.#ahead.value;
  }

  /** Time since anything new was seen of the group, ms. A group with a writer shows something new each second. */
  stillMs(nowMs: number): number {
    return this.#newest === undefined ? Infinity : nowMs - this.#newest.movedMs;
  }

  /** Lag of a node that shows this, whole ms; undefined if it is unknown. */
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
    // While the primary is unreachable, data that is new to this process may be old. So it may only raise the
    // difference of the clocks.
    const aheadMs = atMs - nowMs;
    const primaryAwayMs = nowMs - (this.#primarySeenMs ?? nowMs);
    if (primaryAwayMs < RECENT_MS || aheadMs > this.#ahead.value) this.#ahead.add(aheadMs, nowMs);
  }

  /**
   * A failover can lose whole leaderships, and the next leader may take the same term again. So a primary that shows an
   * earlier leadership than the newest known is right if it was asked after that one was seen, and if it moves on in
   * its own. One look is not enough: while a new leader's first commit waits for a replica, replicas show the new term
   * before the primary does.
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

/**
 * Whether one observation is ahead of another. Of two leaderships with one term neither is ahead, because a failover
 * lost one of them.
 */
function isAhead(seen: Observation, than: Observation): boolean {
  if (!isSameLeadership(seen, than)) return seen.position.term > than.position.term;
  return (
    seen.position.seq - than.position.seq > 0 || (seen.position.seq === than.position.seq && seen.atMs > than.atMs)
  );
}

/**
 * The greatest value added in the last 5 to 10 s. Without new values it stays, because a group that does not move says
 * nothing about its clock. After a correction of a server's clock the old value is forgotten within that time.
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
