export const parts = ['bare', 'mixed', 'hot', 'wait', 'drain', 'floor'] as const;
/**
 * What is measured. `mixed` and `hot`: from REST to commit, both sides; `wait`: ours with `Prefer: wait`; `drain`: orders
 * that are queued already; `floor`: the writer's loop alone; `bare`: a Fastify route that does nothing.
 */
type Part = (typeof parts)[number];

export const sides = ['monolith', 'ours'] as const;
export type SideName = (typeof sides)[number];

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly sides: readonly SideName[];
  readonly rounds: number;
  /** Counted, of each segment. */
  readonly seconds: number;
  /** Before that, not counted. */
  readonly warmUpSeconds: number;
  readonly callers: readonly number[];
  /** To drain, and for the floor. */
  readonly orders: number;
  /** Sizes of the monolith's pool that are tried; for each kind of order the best is taken. */
  readonly pools: readonly number[];
  /** The writer's, and the floor's. */
  readonly batchLimit: number;
  readonly products: number;
  readonly customers: number;
}
