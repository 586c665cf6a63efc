/** One `basic.ack`. */
export interface Acknowledgement {
  tag: number;
  /** All unsettled ones up to `tag` too. */
  multiple: boolean;
}

/**
 * Delivery tags of one channel, and how to acknowledge them in few frames: with `multiple` only below the lowest tag
 * that is not settled, since that would acknowledge what nobody has finished.
 */
export class UnsettledTags {
  /** In order of delivery, so the first is the lowest. */
  readonly #unsettled = new Set<number>();

  get count(): number {
    return this.#unsettled.size;
  }

  /** Tags come in rising order. */
  delivered(tag: number): void {
    this.#unsettled.add(tag);
  }

  /** Marks them settled; one that was settled before is ignored. Gives the frames that tell the broker. */
  settle(tags: Iterable<number>): Acknowledgement[] {
    const settled = [...tags].filter((tag) => this.#unsettled.delete(tag)).sort((a, b) => a - b);
    const [lowestUnsettled = Infinity] = this.#unsettled;
    const below = settled.findLastIndex((tag) => tag < lowestUnsettled);
    const single = settled.slice(below + 1).map((tag) => ({ tag, multiple: false }));
    return below < 0 ? single : [{ tag: settled[below] as number, multiple: true }, ...single];
  }
}
