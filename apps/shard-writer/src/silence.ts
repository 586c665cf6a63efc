/** How long a sign has stood still, by the watcher's own clock: the clocks of two machines are never compared. */
export class Silence {
  #sign: string | undefined;
  #since = 0;

  /** `nowMs`: of a clock that never runs back. */
  observe(sign: string, nowMs: number): number {
    if (sign !== this.#sign) {
      this.#sign = sign;
      this.#since = nowMs;
    }
    return nowMs - this.#since;
  }
}
