/**
 * How far the leader's own monotonic clock has advanced since the group's clock was last advanced and stored. Time that
 * was sent but not stored counts again.
 */
export class ElapsedTime {
  #storedAt = performance.now();
  #sentAt = this.#storedAt;

  /** Time to send with a heartbeat or a batch, ms. */
  send(): number {
    this.#sentAt = performance.now();
    return this.#sentAt - this.#storedAt;
  }

  /** The time sent last is committed. */
  stored(): void {
    this.#storedAt = this.#sentAt;
  }
}
