/** Limits of one message. */
export interface MessageLimits {
  commands: number;
  bytes: number;
}

/** Bytes around and between the commands of a message. */
export interface MessageFrame {
  aroundBytes: number;
  betweenBytes: number;
}

/** Commands for one queue that wait until the message in flight is confirmed: first in, first out. */
export class WaitingCommands<T extends { readonly bytes: number; readonly count: number }> {
  readonly #limits: MessageLimits;
  readonly #frame: MessageFrame;
  readonly #waiting: T[] = [];

  constructor(limits: MessageLimits, frame: MessageFrame) {
    this.#limits = limits;
    this.#frame = frame;
  }

  get count(): number {
    return this.#waiting.length;
  }

  add(command: T): void {
    this.#waiting.push(command);
  }

  /** The commands of the next message: as many of the first ones as fit, and at least one of any size. */
  takeMessage(): T[] {
    let bytes = this.#frame.aroundBytes;
    let commands = 0;
    let taken = 0;
    for (const { bytes: own, count } of this.#waiting) {
      bytes += own + (taken > 0 ? this.#frame.betweenBytes : 0);
      commands += count;
      if (taken > 0 && (commands > this.#limits.commands || bytes > this.#limits.bytes)) break;
      taken += 1;
    }
    return this.#waiting.splice(0, taken);
  }

  takeAll(): T[] {
    return this.#waiting.splice(0);
  }

  /** False: it was not waiting. */
  remove(command: T): boolean {
    // The search is short, because a command whose deadline passes is nearly always the first.
    const index = this.#waiting.indexOf(command);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    return true;
  }
}
