export {
  BRANCHES_MAX,
  describeCluster,
  DescriptionError,
  firstBranches,
  LOG_LEVELS,
  PROJECT_DIR,
  type ClusterDescription,
  type ClusterInput,
} from './description.js';
export {
  brokerAddresses,
  clientUrlOf,
  managementUrlOf,
  operatorsUrlOf,
  trustLayout,
  type App,
  type GroupLayout,
  type Layout,
  type ServiceNode,
} from './layout.js';
export { backUp, type BackupKind } from './backup/back-up.js';
export { readBackups, type Backup, type GroupBackups } from './backup/backups.js';
export { restore, type RestoreResult } from './backup/restore.js';
export { targetOf, type RestoreTarget } from './backup/restore-target.js';
export { isOnSameDisk } from './backup/repository.js';
export { declareRunning } from './declare-running.js';
export { openCluster, startNative } from './start-native.js';
export { Cluster, Stopped } from './cluster.js';
export { RunningSystem } from './running-system.js';
export type {
  DatabaseAccess,
  RunningBroker,
  RunningCluster,
  RunningDatabase,
  RunningService,
} from './running-cluster.js';
export { ensurePrograms, ensureTool } from './install.js';
export { type RunSteps, type Step } from './steps.js';
export { authorityFile, certificateFor, createAuthority, readAuthority, type Authority } from './authority.js';
export { composeReinit, composeSwitchover } from './compose/patroni.js';
export { followComposeLogs } from './compose/logs.js';
export { composeRestart, composeStop } from './compose/restart.js';
export { composeInstallation } from './compose/installation.js';
export { nativeInstallation } from './native/installation.js';
export type { Installation } from './rotation/installation.js';
export { COOKIE, rotateSecret, secretNames } from './rotation/rotate-secrets.js';
export { brokerLogin, brokerSecretsFile, openSecrets, replaceCookie, type Secrets } from './secrets.js';
export { branchDir, journalsDir, removeDataFolder } from './data-folder.js';
export { isListening } from './ports.js';
export { isSameProcess } from './processes/identity.js';
export { logBefore } from './processes/log-files.js';
export { findOnPath } from './programs.js';
export { LOG_LINE_PREFIX } from './postgres-settings.js';
export { askControl } from './control.js';
export type { Operation } from './failover/operation.js';
export { Refused } from './refused.js';
export { leftoversOf, stopLeftoverSteps, untilEnded } from './processes/leftovers.js';
export { ProcessError } from './processes/native-process.js';
export { endRun, isRunning, readRun, type RecordedProcess, type Run } from './run-file.js';
export { addFirstAdministrator } from './first-administrator.js';
export { addFirstProducts } from './first-products.js';
export { allDir, configure, wantGroup } from './compose/configure.js';
export { declare } from './compose/declare.js';
export { forward } from './compose/forward.js';
export { openInside } from './compose/inside.js';
export {
  checkDocker,
  composeAuthority,
  composeContainers,
  composeDown,
  composeLayout,
  composeLogs,
  composeRotate,
  composeRun,
  composeSecrets,
  composeUp,
  type ComposeContainer,
} from './compose/compose.js';
export { EXIT_USAGE, UsageCommand } from './command-line/usage-command.js';
export { whole, wholeNumberOf, wholeNumbersOf } from './command-line/whole-number.js';
