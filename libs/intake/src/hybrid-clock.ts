import { randomBytes } from 'node:crypto';
import { CLOCK_SKEW_MS_MAX, highestStamp, nextStamp, senderOf, stampMs, stampOf, type Stamp } from '@eco/contracts';

const SENDER_LENGTH_MAX = 64;

/**
 * Stamps of one sender: a hybrid logical clock (Kulkarni et al. 2014). Each stamp is later than the one before and than
 * every one that was merged, whatever the wall clock does; and bounded by the clock of the group that decides by it.
 *
 * Its sender is the process's name with a random part: a process that was started again never repeats a stamp of its
 * predecessor, nor one of another process that was given the same name.
 */
export class HybridClock {
  readonly #sender: string;
  #highest: Stamp | undefined;

  constructor(
    name: string,
    private readonly now: () => number = Date.now,
  ) {
    const suffix = `.${randomBytes(4).toString('hex')}`;
    this.#sender = `${name.slice(0, SENDER_LENGTH_MAX - suffix.length)}${suffix}`;
  }

  /** `groupNowMs`: the group's clock as it is seen here; undefined: it is not, and our own clock counts alone. */
  next(groupNowMs: number | undefined): Stamp {
    this.#highest = nextStamp(this.#highest, timeOf(this.now(), groupNowMs), this.#sender);
    return this.#highest;
  }

  /**
   * Stamps from now on are later than this one. A client brings it, so it counts only up to what an honest sender of this
   * group can have given: nobody can drive the clock ahead.
   */
  merge(seen: Stamp, groupNowMs: number | undefined): void {
    const limitMs = Math.floor((groupNowMs ?? this.now()) + CLOCK_SKEW_MS_MAX);
    const bounded = stampMs(seen) <= limitMs ? seen : stampOf(limitMs, 0, senderOf(seen));
    this.#highest = highestStamp(this.#highest, bounded);
  }

  /** Stamps from now on are later than this one, which a predecessor of this process gave. */
  resume(last: Stamp): void {
    this.#highest = highestStamp(this.#highest, last);
  }
}

/**
 * Our own clock, while it can be right: the group's is seen here late by up to a second, never early. A clock that is
 * further off counts for nothing. Then the stamp is not behind the group's clock, so its writer orders it by arrival.
 */
function timeOf(ownMs: number, groupNowMs: number | undefined): number {
  if (groupNowMs === undefined) return ownMs;
  const groupMs = Math.floor(groupNowMs);
  if (Math.abs(ownMs - groupMs) <= CLOCK_SKEW_MS_MAX) return Math.max(ownMs, groupMs);
  return groupMs + CLOCK_SKEW_MS_MAX;
}
