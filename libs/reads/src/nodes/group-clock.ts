import { compareTermPositions, type TermPosition } from '@eco/routing';

/*
 * How old is the oldest batch of a group that a node has not shown? Between two clocks on two machines nobody can tell,
 * so none is asked: `at` is compared with `at`, both written by the group, and times of ours with times of ours.
 *
 * A node at or past the newest position known has a lag of 0, however long ago that batch was: an idle primary is no
 * lag. For one that is behind there are two bounds, and the smaller holds:
 *
 *   by the group's clock   the batch it misses is younger than the `at` that it shows
 *   by our own             the batch it misses was not there when the primary last stood where this node stands
 *
 * The first is exact to the beat of the writer. The second is for a replica that stands still while its group is idle:
 * its `at` grows old there, and the first batch after an hour would look an hour late.
 */

/** One look at a node: its `group_state`. */
export interface Observation {
  readonly position: TermPosition;
  /** `group_state.at`, ms since 1970. */
  readonly atMs: number;
}

/** Where the primary stood, and when, by our clock, it was last seen there. */
interface Step {
  readonly position: TermPosition;
  untilMs: number;
}

// Ten minutes of an idle group's probes, one of a busy group's. What is older is told by the group's clock alone.
const STEPS_MAX = 600;
const STEP_MS = 100;

/** All times `nowMs` are of one clock that never runs back, such as `performance.now()`. */
export class GroupClock {
  #newest: (Observation & { seenMs: number }) | undefined;
  readonly #steps: Step[] = [];
  /** The group's clock less ours, as of the look that came soonest after the group wrote it: no look comes before. */
  #aheadMs = -Infinity;

  /** To be told of whatever is seen of the group, whichever node it is from. */
  note(seen: Observation, fromPrimary: boolean, nowMs: number): void {
    const newest = this.#newest;
    const ahead = newest === undefined ? 1 : compareTermPositions(seen.position, newest.position);
    if (newest === undefined || ahead > 0 || (ahead === 0 && seen.atMs > newest.atMs)) {
      this.#newest = { ...seen, seenMs: nowMs };
    }
    this.#aheadMs = Math.max(this.#aheadMs, seen.atMs - nowMs);
    if (fromPrimary) this.#step(seen.position, nowMs);
  }

  /** What the group's clock shows now, as well as can be told, ms since 1970; undefined while nothing was seen of it. */
  nowMs(nowMs: number): number | undefined {
    return this.#newest === undefined ? undefined : nowMs + this.#aheadMs;
  }

  /** For how long nothing new was seen of the group, which moves each second while it has a writer, ms. */
  stillMs(nowMs: number): number {
    return this.#newest === undefined ? Infinity : nowMs - this.#newest.seenMs;
  }

  /** Lag of a node that shows this: ms, whole. */
  lagMs(shown: Observation, nowMs: number): number {
    const newest = this.#newest;
    if (newest === undefined || compareTermPositions(shown.position, newest.position) >= 0) return 0;
    const byGroupClock = newest.atMs - shown.atMs + (nowMs - newest.seenMs);
    const stood = this.#steps.findLast((step) => compareTermPositions(step.position, shown.position) <= 0);
    const byOurClock = stood === undefined ? Infinity : nowMs - stood.untilMs;
    return Math.max(0, Math.round(Math.min(byGroupClock, byOurClock)));
  }

  #step(position: TermPosition, nowMs: number): void {
    const last = this.#steps.at(-1);
    const ahead = last === undefined ? 1 : compareTermPositions(position, last.position);
    if (last !== undefined && ahead === 0) last.untilMs = nowMs;
    if (ahead <= 0 || (last !== undefined && nowMs - last.untilMs < STEP_MS)) return;
    this.#steps.push({ position, untilMs: nowMs });
    if (this.#steps.length > STEPS_MAX) this.#steps.shift();
  }
}
