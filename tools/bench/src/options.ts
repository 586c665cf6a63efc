export const parts = ['bare', 'mixed', 'hot', 'wait', 'drain', 'floor'] as const;
/**
 * The measurements. `mixed` and `hot`: from REST to commit, both systems; `wait`: EcoMarket with `Prefer: wait`;
 * `drain`: queued orders; `floor`: writer-only throughput; `bare`: a Fastify route that does nothing.
 */
type Part = (typeof parts)[number];

export const sides = ['monolith', 'ours'] as const;
export type SideName = (typeof sides)[number];

/** Limits of the options of all measurements. */
export const SECONDS_MAX = 3600;
export const ROUNDS_MAX = 100;
export const CALLERS_MAX = 1000;
export const REQUESTS_MAX = 10_000_000;

export interface BenchOptions {
  readonly parts: readonly Part[];
  readonly sides: readonly SideName[];
  readonly rounds: number;
  /** Counted seconds of each segment. */
  readonly seconds: number;
  /** Uncounted seconds before each segment. */
  readonly warmUpSeconds: number;
  readonly callers: readonly number[];
  /** Number of orders for draining and for writer-only throughput. */
  readonly orders: number;
  /** Pool sizes of the monolith to try; for each kind of order the best is used. */
  readonly pools: readonly number[];
  /** Commands in one batch. */
  readonly batchLimit: number;
  readonly products: number;
  readonly customers: number;
}
