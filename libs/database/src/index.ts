export { databaseRoles, guardSql, loginRoles, POSITION_PREFIX, roleLimits, type LoginRole } from './roles/roles.js';
export {
  endSessions,
  reloadSettings,
  NotReplicatedError,
  setPassword,
  untilReplicasApplied,
  type SuperuserAccess,
} from './roles/set-password.js';
export { endLongTransactions } from './roles/guard.js';
export { CENTRAL_AS_STORED, FIGURES, type Figures } from './statistics-figures.js';
export {
  deadLetterClasses,
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
export { readDecidedCommand, type DecidedCommand } from './decided-command.js';
export { readErasures, type Erasure } from './erasures.js';
export { ReplicationWatch, type NodeReplication } from './replication/replication-watch.js';
export { AbsentSlots, readAbsentSlots, renewAbsentSlot, type AbsentSlot } from './replication/absent-slots.js';
export { removeCartItems } from './tables/carts.js';
export { LETTERS_PER_SENDER_MAX } from './tables/dead-letters.js';
export type { LeftOut, LoadBounds, Query } from './tables/load.js';
export { WHERE_FENCED } from './tables/store.js';
export { loads, stores } from './tables/tables.js';
export { slotName } from './replication/slot-name.js';
export { brokenChecks, verifyGroup, type CheckResult, type VerifyReport } from './verify/verify.js';
