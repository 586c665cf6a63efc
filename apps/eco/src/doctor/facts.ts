import type { NodeReplication } from '@eco/database';
import type { ProcessStatus } from '../process-status.js';
import type { ProcessMetrics } from './threshold-check.js';

/** What one look at a running system has found, before anything is judged. */
export interface Facts {
  readonly processes: readonly ProcessStatus[];
  /** One entry for each service. */
  readonly metrics: readonly ProcessMetrics[];
  /** Nodes of all groups. */
  readonly nodes: readonly NodeReplication[];
  /** How far the clock of each process is ahead of this machine's; `errorS`: the most that the measurement is wrong. */
  readonly clocks: readonly { readonly name: string; readonly aheadS: number; readonly errorS: number }[];
  /** Undefined: no broker answers. */
  readonly queues: readonly { readonly name: string; readonly messages: number }[] | undefined;
  readonly brokers: readonly BrokerFacts[] | undefined;
  /** Disk of the data folder. Undefined: it is not on this machine. */
  readonly disk: { readonly freeBytes: number; readonly bytes: number } | undefined;
  /** Certificates of all listeners that answered with one. Empty without TLS. */
  readonly certificates: readonly { readonly name: string; readonly expiresAtMs: number }[];
}

interface BrokerFacts {
  readonly name: string;
  readonly alarms: readonly string[];
  readonly freeBytes: number | undefined;
}
