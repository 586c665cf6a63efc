/** One `basic.ack`. */
export interface Acknowledgement {
  tag: number;
  /** True: the frame also acknowledges all unsettled tags up to `tag`. */
  multiple: boolean;
}

/**
 * Delivery tags of one channel, acknowledged in few frames. `multiple` is used only below the lowest unsettled tag;
 * above it, it would acknowledge unfinished deliveries.
 */
export class UnsettledTags {
  /** Tags in order of delivery. The first one is the lowest. */
  readonly #unsettled = new Set<number>();

  get count(): number {
    return this.#unsettled.size;
  }

  /** Call it with each new tag. Tags rise. */
  delivered(tag: number): void {
    this.#unsettled.add(tag);
  }

  /** Marks tags settled and ignores those settled before. Returns the frames to send to the broker. */
  settle(tags: Iterable<number>): Acknowledgement[] {
    const settled = [...tags].filter((tag) => this.#unsettled.delete(tag)).sort((a, b) => a - b);
    const [lowestUnsettled = Infinity] = this.#unsettled;
    const below = settled.findLastIndex((tag) => tag < lowestUnsettled);
    const single = settled.slice(below + 1).map((tag) => ({ tag, multiple: false }));
    return below < 0 ? single : [{ tag: settled[below] as number, multiple: true }, ...single];
  }
}
