import type { Registry } from 'prom-client';
import type { Log, Tracer } from '@eco/base';

/** The parts of its process that an intake needs. The frame of a service fits. */
export interface IntakeFrame {
  /** The name appears in messages and stamps, and names the journal. */
  readonly config: { readonly name: string };
  readonly log: Log;
  readonly tracing: Tracer;
  readonly metrics: { readonly registry: Registry };
  readonly health: {
    /** `missing` returns the reason why the process is not ready; undefined if it is ready. */
    indicator(name: string, missing: () => string | undefined): void;
    fact(name: string, state: () => string): void;
  };
  /** Aborted when the process begins to stop. */
  readonly stopping: AbortSignal;
}
