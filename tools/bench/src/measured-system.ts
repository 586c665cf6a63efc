import type { Components } from './cpu.js';

/** One of the two that are measured: where orders go in, and where they are counted when they are on two machines. */
export interface MeasuredSystem {
  readonly name: 'monolith' | 'ours';
  readonly url: string;
  readonly components: Components;
  /** Where the committed orders end just now. */
  mark(): Promise<number>;
  /** Waits until all that was accepted since `mark` is committed. Throws when it does not come. */
  committedSince(mark: number, accepted: number): Promise<Committed>;
}

export interface Committed {
  readonly orders: number;
  /** Decided, and not confirmed. */
  readonly rejected: number;
  /** When the last was seen, by `performance.now()`. */
  readonly lastMs: number;
}
