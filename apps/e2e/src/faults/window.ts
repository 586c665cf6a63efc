/** Observations of clients in a period. */
export class Window {
  readonly #startedAt = performance.now();
  readonly #tookMs: number[] = [];
  readonly #refusals = new Map<string, number>();
  #lastAcceptedAt = this.#startedAt;
  #longestGapMs = 0;
  #local = 0;

  /** `tookMs`: time from the first sending to the 202. */
  accepted(tookMs: number, isLocal: boolean): void {
    this.#tookMs.push(tookMs);
    if (isLocal) this.#local += 1;
    const now = performance.now();
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAcceptedAt);
    this.#lastAcceptedAt = now;
  }

  notAccepted(answer: string): void {
    this.#refusals.set(answer, (this.#refusals.get(answer) ?? 0) + 1);
  }

  close(): void {
    this.#longestGapMs = Math.max(this.#longestGapMs, performance.now() - this.#lastAcceptedAt);
  }

  get acceptedCount(): number {
    return this.#tookMs.length;
  }

  /** Number of commands that the journal accepted, because no majority of the brokers had them. */
  get localCount(): number {
    return this.#local;
  }

  /** Responses other than 202, by text. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals;
  }

  /** The longest time without an accepted request. */
  get longestGapMs(): number {
    return this.#longestGapMs;
  }

  /** The percentile by nearest rank; 0 if there are no values. */
  percentileMs(share: number): number {
    const sorted = Float64Array.from(this.#tookMs).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }
}
