/**
 * Time by the leader's own monotonic clock since the group's clock was last advanced. Time that was sent counts until
 * it is stored, so a lost batch loses no time.
 */
export class ElapsedTime {
  #storedAt = performance.now();
  #sentAt = this.#storedAt;

  /** Time to send with a heartbeat or a batch, ms. */
  send(): number {
    this.#sentAt = performance.now();
    return this.#sentAt - this.#storedAt;
  }

  /** Call it when the batch or heartbeat with the last sent time is committed. */
  stored(): void {
    this.#storedAt = this.#sentAt;
  }
}
