/*
 * Limits the reads that the primary takes over from late replicas. The limit is a share of the group's reads plus a
 * fixed number per second, so that a quiet service may always ask. Each read costs a token. Each read also adds the
 * share, and time adds the fixed number. At most the tokens of one second are kept.
 */

export interface PrimaryBudgetLimits {
  /** Share of this process's reads of the group that the primary may serve, percent. */
  readonly primarySharePercent: number;
  /** Reads per second that are always allowed. */
  readonly primaryReadsPerSecond: number;
}

/** All times `nowMs` come from one clock that never runs back. */
export class PrimaryBudget {
  #tokens: number;
  #filledMs: number;
  readonly #limits: PrimaryBudgetLimits;

  constructor(limits: PrimaryBudgetLimits, nowMs: number) {
    this.#limits = limits;
    this.#tokens = this.#most;
    this.#filledMs = nowMs;
  }

  /** Call it for each read of the group. */
  read(): void {
    this.#add(this.#limits.primarySharePercent / 100);
  }

  allows(nowMs: number): boolean {
    this.#add(((nowMs - this.#filledMs) / 1000) * this.#limits.primaryReadsPerSecond);
    this.#filledMs = nowMs;
    return this.#tokens >= 1;
  }

  /** Call it when the primary is used instead of a replica. */
  take(): void {
    this.#tokens -= 1;
  }

  get #most(): number {
    return Math.max(1, this.#limits.primaryReadsPerSecond);
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(this.#tokens + tokens, this.#most);
  }
}
