export { DATABASE_NAME, consumerSchemas, loginRoles, type ConsumerSchema, type LoginRole } from './roles/roles.js';
export { GroupMismatchError, prepareGroup, type GroupPreparation } from './prepare-group.js';
export { Progress } from './entities/progress.js';
export { CentralCustomer, CentralProgress } from './entities/central.js';
export { CENTRAL_AS_STORED, FIGURES, StatisticsProgress, type Figures } from './entities/statistics.js';
export { Notification, NotificationsProgress } from './entities/notifications.js';
export { nodeName, type Login, type NodeAddress } from './nodes/login.js';
export {
  READ_PLAN_SETTINGS,
  ReadError,
  ReadSession,
  SLOW_READ_PLAN_SETTINGS,
  type ReadSessionOptions,
  type ReadStatement,
} from './nodes/read-session.js';
export { askNodes, NodeRoles, primaryOf, type NodeAnswer, type PrimaryAnswer } from './nodes/nodes.js';
export { SideConnection } from './nodes/side-connection.js';
export { sleep } from './sleep.js';
export { watchSession } from './writer/watch.js';
export { WriterSession } from './writer/session.js';
export { batchFailureOf, type BatchFailure } from './writer/batch-failure.js';
export {
  startTerm,
  hasDueHolds,
  readHolder,
  readLastSeqs,
  terminateHolder,
  sendHeartbeat,
  tryToLead,
  type HolderSigns,
  type LeaderTerm,
} from './writer/leader-term.js';
export {
  readSuspects,
  storeSuspects,
  withdrawTries,
  type StoredSuspectSet,
  type SuspectSet,
} from './writer/suspects.js';
export { commitBatch, openBatch, rollBack, tryBatch } from './writer/batch.js';
export type { LeftOut, LoadBounds } from './writer/load.js';
export { Retention, type Removal } from './writer/retention.js';
export { readClocks, readGauges, type Clocks, type GroupGauges } from './writer/gauges.js';
export {
  readCommandResults,
  readDeadLetter,
  readDeadLetterGroups,
  readDeadLetterResults,
  readOpenDeadLetters,
  readOwnedBuckets,
  type DeadLetterAction,
  type DeadLetterFilter,
  type DeadLetterGroup,
  type KeptDeadLetter,
} from './dead-letters/queries.js';
export { ReplicationWatch, type NodeReplication } from './replication/replication-watch.js';
export { AbsentSlots, readAbsentSlots, renewAbsentSlot, type AbsentSlot } from './replication/absent-slots.js';
export { slotName } from './replication/slot-name.js';
export { brokenChecks, verifyGroup, type CheckResult, type VerifyReport } from './verify/verify.js';
export {
  ConsumerStore,
  StoreUnavailableError,
  ValueRefusedError,
  type TopicPosition,
  type ConsumerStoreOptions,
} from './consumers/consumer-store.js';
export { MoreThan, type EntityManager } from 'typeorm';
