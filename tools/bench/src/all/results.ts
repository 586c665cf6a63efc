import type { AccessResult } from '../access/main.js';
import type { LogInsResult } from '../log-ins/main.js';
import type { Machine } from '../machine.js';
import type { MessagesResult } from '../messages/main.js';
import type { ReadsResult } from '../reads/main.js';
import type { Measured, Summary } from '../summary.js';
import type { TracingResult } from '../tracing/main.js';

/** What each benchmark prints with `--json`. */
export interface Results {
  readonly orders: Measured & { readonly summary: Summary };
  readonly messages: MessagesResult;
  readonly reads: ReadsResult;
  readonly 'log-ins': LogInsResult;
  readonly access: AccessResult;
  readonly tracing: TracingResult;
}

export type BenchmarkName = keyof Results;

/** All benchmarks, in the order in which they run. The program of each, from this package's dist. */
export const programs: Readonly<Record<BenchmarkName, string>> = {
  orders: 'main.js',
  messages: 'messages/main.js',
  reads: 'reads/main.js',
  'log-ins': 'log-ins/main.js',
  access: 'access/main.js',
  tracing: 'tracing/main.js',
};

export interface Run {
  /** When it began, RFC 3339, UTC. */
  readonly at: string;
  /** Commit of the project; null: unknown. */
  readonly commit: string | null;
  readonly machine: Machine;
  /** Benchmarks that did not run are absent. */
  readonly results: Partial<Results>;
}
