export {
  describeCluster,
  DescriptionError,
  LOG_LEVELS,
  PROJECT_DIR,
  type ClusterDescription,
  type ClusterInput,
} from './description.js';
export type { App, BrokerNode, DatabaseNode, GroupLayout, Layout, PortUse, ServiceNode } from './layout.js';
export { startNative, openCluster, type NativeOptions } from './native/start-native.js';
export {
  NativeCluster,
  type DatabaseAccess,
  type RunningBroker,
  type RunningCluster,
  type RunningProcess,
} from './native/native-cluster.js';
export { runSteps, type RunSteps, type Say, type Step } from './steps.js';
export { AlreadyRunning, readRun, type Run } from './run-file.js';
