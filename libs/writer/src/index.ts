export { commitBatch, openBatch, rollBack, tryBatch } from './batch.js';
export { type BatchFailure } from './batch-failure.js';
export { DatabaseWait } from './database-wait.js';
export { readClocks, readGauges, type Clocks } from './gauges.js';
export {
  startTerm,
  hasDueHolds,
  readHolder,
  readLastSeqs,
  terminateHolder,
  sendHeartbeat,
  tryToLead,
  type LeaderTerm,
} from './leader-term.js';
export { Leadership, type LeaderLoop, type LeadershipEnd } from './leadership.js';
export { PrimaryWatch } from './primary-watch.js';
export { Retention, type Removal } from './retention.js';
export { WriterSession } from './session.js';
export { settleBatch, type Committed, type OtherFailure, type SettleOptions } from './settle.js';
export { readSuspects, storeSuspects, withdrawTries, type SuspectSet } from './suspect-rows.js';
export { Suspects, TRIES_MAX, type Limits, type Part } from './suspects.js';
export type { Taken } from './taken.js';
export { watchSession } from './watch.js';
