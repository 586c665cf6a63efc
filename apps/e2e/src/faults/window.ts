/** Observations of clients in a period. */
export class Window {
  readonly #tookMs: number[] = [];
  readonly #refusals = new Map<string, number>();
  readonly #accepted = new Gaps();
  readonly #decided = new Gaps();
  #local = 0;

  /** `tookMs`: time from the first sending to the 202. */
  accepted(tookMs: number, isLocal: boolean): void {
    this.#tookMs.push(tookMs);
    if (isLocal) this.#local += 1;
    this.#accepted.note();
  }

  /** A client has received a decision. */
  decided(): void {
    this.#decided.note();
    this.#decided.count += 1;
  }

  notAccepted(answer: string): void {
    this.#refusals.set(answer, (this.#refusals.get(answer) ?? 0) + 1);
  }

  close(): void {
    this.#accepted.note();
    this.#decided.note();
  }

  get acceptedCount(): number {
    return this.#tookMs.length;
  }

  get decidedCount(): number {
    return this.#decided.count;
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
    return this.#accepted.longestMs;
  }

  /** The longest time in which no client received a decision. */
  get longestUndecidedMs(): number {
    return this.#decided.longestMs;
  }

  /** The percentile by nearest rank; 0 if there are no values. */
  percentileMs(share: number): number {
    const sorted = Float64Array.from(this.#tookMs).sort();
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  }
}

/** The longest time between two events, from the start of the period to its end. */
class Gaps {
  longestMs = 0;
  count = 0;
  #lastAt = performance.now();

  note(): void {
    const now = performance.now();
    this.longestMs = Math.max(this.longestMs, now - this.#lastAt);
    this.#lastAt = now;
  }
}
