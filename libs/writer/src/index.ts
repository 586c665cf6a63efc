export { commitBatch, openBatch, rollBack, tryBatch } from './batch.js';
export { type BatchFailure } from './batch-failure.js';
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
export { Retention, type Removal } from './retention.js';
export { WriterSession } from './session.js';
export { readSuspects, storeSuspects, withdrawTries, type SuspectSet } from './suspects.js';
export { watchSession } from './watch.js';
