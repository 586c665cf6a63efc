import type { Components } from './cpu.js';

/** A measured system: where orders are sent, and where they are counted when they are on two machines. */
export interface MeasuredSystem {
  readonly name: 'monolith' | 'ours';
  readonly url: string;
  readonly components: Components;
  /** The current end of the committed orders. */
  mark(): Promise<number>;
  /** Waits until everything accepted since `mark` is committed. Throws if that does not happen. */
  committedSince(mark: number, accepted: number): Promise<Committed>;
}

export interface Committed {
  readonly orders: number;
  /** Orders that were decided and not confirmed. */
  readonly rejected: number;
  /** Time by `performance.now()` at which the last order was seen. */
  readonly lastMs: number;
}
