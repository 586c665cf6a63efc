/**
 * How far the leader's own clock, which never runs back, has gone since the group's clock was last advanced and stored.
 * What was sent and not stored counts again.
 */
export class ElapsedTime {
  #storedAt = performance.now();
  #sentAt = this.#storedAt;

  /** To be sent with a heartbeat or a batch, ms. */
  send(): number {
    this.#sentAt = performance.now();
    return this.#sentAt - this.#storedAt;
  }

  /** What was last sent is committed. */
  stored(): void {
    this.#storedAt = this.#sentAt;
  }
}
