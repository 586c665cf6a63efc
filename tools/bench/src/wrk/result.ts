import { z } from 'zod';

/** Output of `done` in orders.lua. */
const resultSchema = z.strictObject({
  /** Requests with any response. */
  answers: z.int().min(0),
  durationUs: z.int().min(1),
  /** Responses of 400 and above. */
  refused: z.int().min(0),
  /** Connections that failed or broke. */
  broken: z.int().min(0),
  /** Requests not answered within wrk's time-out. */
  late: z.int().min(0),
  p50Us: z.number(),
  p99Us: z.number(),
  maxUs: z.number(),
});

export interface LoadResult {
  /** Answered below 400. */
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  /**
   * Latency as reported by wrk. A slow response also counts for the requests that its caller could not send meanwhile.
   */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Undefined: this line is not a result. Throws if it is one and can't be parsed. */
export function readResult(line: string): LoadResult | undefined {
  const [, text] = /^result (.*)$/.exec(line) ?? [];
  if (text === undefined) return undefined;
  const { answers, durationUs, refused, broken, late, p50Us, p99Us, maxUs } = resultSchema.parse(JSON.parse(text));
  return {
    done: answers - refused,
    failed: refused + broken + late,
    seconds: durationUs / 1e6,
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    maxMs: maxUs / 1000,
  };
}
