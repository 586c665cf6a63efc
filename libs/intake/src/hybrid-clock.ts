import { randomBytes } from 'node:crypto';
import {
  CLOCK_SKEW_MS_MAX,
  highestStamp,
  nextStamp,
  senderOf,
  stampMs,
  stampOf,
  stampOwnerOf,
  type Stamp,
} from '@eco/contracts';

/**
 * Stamps of one sender: a hybrid logical clock (Kulkarni et al. 2014). Each stamp is later than the previous one and
 * than every merged one, whatever the wall clock does, and bounded by the clock of the deciding group. The sender is
 * the process's broker user, which the writer checks, with a random part. So a restarted process never repeats a stamp of
 * its predecessor, or of another process of that user.
 */
export class HybridClock {
  readonly #sender: string;
  #highest: Stamp | undefined;
  readonly #now: () => number;

  constructor(user: string, now: () => number = Date.now) {
    this.#now = now;
    this.#sender = `${stampOwnerOf(user)}.${randomBytes(4).toString('hex')}`;
  }

  /** `groupNowMs`: the group's clock as seen here; undefined: unknown, and only our own clock counts. */
  next(groupNowMs: number | undefined): Stamp {
    this.#highest = nextStamp(this.#highest, timeOf(this.#now(), groupNowMs), this.#sender);
    return this.#highest;
  }

  /**
   * Makes later stamps exceed this one. It may come from a client, so it counts only up to the highest stamp that a
   * correct sender of this group can have issued. No client can drive the clock ahead.
   */
  merge(seen: Stamp, groupNowMs: number | undefined): void {
    const limitMs = Math.floor((groupNowMs ?? this.#now()) + CLOCK_SKEW_MS_MAX);
    const bounded = stampMs(seen) <= limitMs ? seen : stampOf(limitMs, 0, senderOf(seen));
    this.#highest = highestStamp(this.#highest, bounded);
  }

  /** Makes later stamps exceed this one, which a predecessor of this process issued. */
  resume(last: Stamp): void {
    this.#highest = highestStamp(this.#highest, last);
  }
}

/**
 * The later of this process's clock and the group's clock if they differ by at most the allowed skew; otherwise the
 * group's clock plus that skew. The group's clock is seen here up to a second late and never early. A stamp is
 * therefore not behind the group's clock, and the writer orders it by arrival.
 */
function timeOf(ownMs: number, groupNowMs: number | undefined): number {
  if (groupNowMs === undefined) return ownMs;
  const groupMs = Math.floor(groupNowMs);
  if (Math.abs(ownMs - groupMs) <= CLOCK_SKEW_MS_MAX) return Math.max(ownMs, groupMs);
  return groupMs + CLOCK_SKEW_MS_MAX;
}
