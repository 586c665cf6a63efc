import type { ReadLimits } from './group-reader.js';
import type { NodeSettings } from './nodes/node.js';

/** All limits of reads. */
export interface ReadSettings extends ReadLimits, Omit<NodeSettings, 'login' | 'applicationName'> {
  readonly probeEveryMs: number;
}

/** Defaults for one site: replicas are some ms behind, and a stalled node is noticed within two seconds. */
export const READ_DEFAULTS: ReadSettings = {
  lagLimitMs: 2_000,
  replicaWaitMs: 100,
  freshWaitMs: 1_000,
  // A read that meets two stalled nodes in a row takes less than this.
  deadlineMs: 5_000,
  primarySharePercent: 20,
  primaryReadsPerSecond: 100,
  probeEveryMs: 500,
  probeTimeoutMs: 1_000,
  probePatienceMs: 5_000,
  connectTimeoutMs: 5_000,
  queryTimeoutMs: 2_000,
  statementTimeoutMs: 1_500,
  slowStatementTimeoutMs: 10_000,
  slowReadsWaitingMax: 4,
  connections: 2,
};
