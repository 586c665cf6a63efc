/*
 * How many reads the primary may take over from replicas that are late: a share of all reads of the group, and a fixed
 * number a second, so that a quiet service, whose share is next to nothing, may always ask. One token a read; the share
 * comes in with each read, the fixed number with time, and no more is kept than a second's worth of it.
 */

export interface PrimaryBudgetLimits {
  /** Of the group's reads by this process, 0 to 100. */
  readonly primarySharePercent: number;
  /** Reads a second that are always allowed. */
  readonly primaryReadsPerSecond: number;
}

/** All times `nowMs` are of one clock that never runs back. */
export class PrimaryBudget {
  #tokens: number;
  #filledMs: number;

  constructor(
    private readonly limits: PrimaryBudgetLimits,
    nowMs: number,
  ) {
    this.#tokens = this.#most;
    this.#filledMs = nowMs;
  }

  /** To be told of each read of the group. */
  read(): void {
    this.#add(this.limits.primarySharePercent / 100);
  }

  allows(nowMs: number): boolean {
    this.#add(((nowMs - this.#filledMs) / 1000) * this.limits.primaryReadsPerSecond);
    this.#filledMs = nowMs;
    return this.#tokens >= 1;
  }

  /** To be told when the primary is asked in place of a replica. */
  take(): void {
    this.#tokens -= 1;
  }

  get #most(): number {
    return Math.max(1, this.limits.primaryReadsPerSecond);
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(this.#tokens + tokens, this.#most);
  }
}
