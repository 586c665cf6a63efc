import type { Registry } from 'prom-client';
import type { Log } from '@eco/base';

/** What an intake needs of its process; the frame of a service fits. */
export interface IntakeFrame {
  /** The name shows in messages, in stamps and as the journal's. */
  readonly config: { readonly name: string };
  readonly log: Log;
  readonly metrics: { readonly registry: Registry };
  readonly health: {
    /** Says what is missing for the process to be ready; undefined: nothing. */
    indicator(name: string, missing: () => string | undefined): void;
    fact(name: string, tell: () => string): void;
  };
  /** Aborted when the process begins to stop. */
  readonly stopping: AbortSignal;
}
