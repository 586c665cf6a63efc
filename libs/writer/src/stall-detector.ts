/**
 * Measures how long a value has not changed, by the observer's own clock. The clocks of two machines are never
 * compared.
 */
export class StallDetector {
  #sign: string | undefined;
  #since = 0;

  /** `nowMs` comes from a clock that never runs back. */
  observe(sign: string, nowMs: number): number {
    if (sign !== this.#sign) {
      this.#sign = sign;
      this.#since = nowMs;
    }
    return nowMs - this.#since;
  }
}
