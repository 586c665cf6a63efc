export { consumerRoles, DATABASE_NAME, loginRoles, type ConsumerRole, type LoginRole } from './roles/roles.js';
export { GroupMismatchError, prepareGroup } from './prepare-group.js';
export { CENTRAL_AS_STORED, FIGURES, type Figures } from './statistics-figures.js';
export { nodeName, type Login, type NodeAddress } from './nodes/login.js';
export {
  READ_PLAN_SETTINGS,
  ReadError,
  ReadSession,
  SLOW_READ_PLAN_SETTINGS,
  type ReadStatement,
} from './nodes/read-session.js';
export { askNodes, NodeRoles, primaryOf, type NodeAnswer, type PrimaryAnswer } from './nodes/nodes.js';
export { SideConnection } from './nodes/side-connection.js';
export { sleep } from './sleep.js';
export { watchSession } from './writer/watch.js';
export { WriterSession } from './writer/session.js';
export { type BatchFailure } from './writer/batch-failure.js';
export {
  startTerm,
  hasDueHolds,
  readHolder,
  readLastSeqs,
  terminateHolder,
  sendHeartbeat,
  tryToLead,
  type LeaderTerm,
} from './writer/leader-term.js';
export { readSuspects, storeSuspects, withdrawTries, type SuspectSet } from './writer/suspects.js';
export { commitBatch, openBatch, rollBack, tryBatch } from './writer/batch.js';
export type { LoadBounds } from './writer/load.js';
export { Retention, type Removal } from './writer/retention.js';
export { readClocks, readGauges, type Clocks } from './writer/gauges.js';
export {
  readCommandResults,
  readDeadLetter,
  readDeadLetterGroups,
  readDeadLetterResults,
  readOpenDeadLetters,
  readOwnedBuckets,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type KeptDeadLetter,
} from './dead-letters/queries.js';
export { ReplicationWatch, type NodeReplication } from './replication/replication-watch.js';
export { AbsentSlots, readAbsentSlots, renewAbsentSlot, type AbsentSlot } from './replication/absent-slots.js';
export { slotName } from './replication/slot-name.js';
export { brokenChecks, verifyGroup, type CheckResult, type VerifyReport } from './verify/verify.js';
