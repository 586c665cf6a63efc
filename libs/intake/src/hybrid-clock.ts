import { nextStamp, type Stamp } from '@eco/contracts';

/** Stamps of one sender: each later than the one before, whatever the wall clock does. */
export class HybridClock {
  #previous: Stamp | undefined;

  constructor(
    private readonly sender: string,
    private readonly now: () => number = Date.now,
  ) {}

  next(): Stamp {
    this.#previous = nextStamp(this.#previous, this.now(), this.sender);
    return this.#previous;
  }
}
