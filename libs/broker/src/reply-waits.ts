import { readReplies, type Reply, type Stamp } from '@eco/contracts';
import { parseMessage } from './parse-message.js';

export interface CommandReply {
  reply: Reply;
  /** `EcoMarket-Position` of the batch that decided it. */
  position: string;
}

interface Wait {
  timer: NodeJS.Timeout;
  settle: (answer: CommandReply | undefined) => void;
}

/**
 * Callers that wait for a command's outcome, by the command's stamp. Unlike the id, a stamp belongs to one sending. So
 * no caller gets the reply to another caller's command under the same id.
 */
export class ReplyWaits {
  readonly #maxCount: number;
  readonly #waits = new Map<Stamp, Wait>();
  #received = 0;
  #late = 0;

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  get count(): number {
    return this.#waits.size;
  }

  /** Replies that a caller waited for. */
  get received(): number {
    return this.#received;
  }

  /** Replies that arrived after their caller had stopped waiting. */
  get late(): number {
    return this.#late;
  }

  /**
   * Resolves with the reply. Undefined: no reply came within `waitMs`, too many callers wait already, or the same stamp
   * was added again.
   */
  add(stamp: Stamp, waitMs: number): Promise<CommandReply | undefined> {
    this.forget(stamp);
    if (this.#waits.size >= this.#maxCount) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waits.set(stamp, { settle: resolve, timer: setTimeout(() => this.forget(stamp), waitMs) });
    });
  }

  /** Ends a wait without a reply. */
  forget(stamp: Stamp): void {
    this.#settle(stamp, undefined);
  }

  /** Ends all waits without a reply. */
  forgetAll(): void {
    for (const stamp of [...this.#waits.keys()]) this.forget(stamp);
  }

  /** Throws if `content` is no reply message. */
  deliver(content: Buffer): void {
    const { position, replies } = readReplies(parseMessage(content));
    for (const { stamp, reply } of replies) {
      // An unknown reply of a newer writer ends the wait as if none came: the caller can still query the outcome.
      if (this.#settle(stamp, reply && { reply, position })) this.#received += 1;
      else this.#late += 1;
    }
  }

  #settle(stamp: Stamp, answer: CommandReply | undefined): boolean {
    const wait = this.#waits.get(stamp);
    if (!wait) return false;
    this.#waits.delete(stamp);
    clearTimeout(wait.timer);
    wait.settle(answer);
    return true;
  }
}
