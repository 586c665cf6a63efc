import type { Registry } from 'prom-client';
import type { Log } from '@eco/base';

/** What an intake needs of its process; the frame of a service fits. */
export interface IntakeFrame {
  /** The name appears in messages and stamps, and names the journal. */
  readonly config: { readonly name: string };
  readonly log: Log;
  readonly metrics: { readonly registry: Registry };
  readonly health: {
    /** `missing` returns what the process lacks to be ready; undefined if it lacks nothing. */
    indicator(name: string, missing: () => string | undefined): void;
    fact(name: string, state: () => string): void;
  };
  /** Aborted when the process begins to stop. */
  readonly stopping: AbortSignal;
}
