/** Milliseconds, each rounded to a tenth. Null if there are no values. */
export interface Latency {
  count: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  maxMs: number | null;
}

/** Percentiles by nearest rank: the smallest value that at least this share of all values does not exceed. */
export function latencyOf(valuesMs: readonly number[]): Latency {
  const sorted = Float64Array.from(valuesMs).sort();
  const at = (share: number): number | null => {
    const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    return value === undefined ? null : Math.round(value * 10) / 10;
  };
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}
