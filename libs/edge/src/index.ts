export {
  ConfigError,
  readConfig,
  settingRows,
  type ConfigOf,
  type Environment,
  type Setting,
  type SettingRow,
  type Settings,
} from './config/config.js';
export {
  LOG_LEVELS,
  settings,
  wholeNumberSetting,
  type GroupAddresses,
  type Groups,
  type HostPort,
  type LogLevel,
} from './config/settings.js';
export {
  databaseSecretsSetting,
  loginFileSetting,
  secretsSetting,
  type Login,
  type Secrets,
} from './config/secrets.js';
export { createLog, withCorrelation, type Log } from './log.js';
export { problem, problemBody, ProblemError, type ProblemDetails } from './http/problem.js';
export { violationsOf } from './http/violations.js';
export { respond, HttpResponse } from './http/response.js';
export { Input, operation, Operation, readInput, type InputOf, type OperationDeclaration } from './http/operation.js';
export { idempotencyKeySchema, preferWaitSchema, WAIT_SECONDS_MAX } from './http/request-headers.js';
export { Health, type Indicator } from './health.js';
export { Metrics } from './metrics.js';
export {
  createEdge,
  startService,
  StartError,
  type Edge,
  type Service,
  type ServiceConfig,
  type ServiceOptions,
} from './service.js';
export { EXIT, runProcess } from './process.js';
export type { Api } from './documents.js';
