export {
  ConfigError,
  readConfig,
  settingRows,
  type ConfigOf,
  type Environment,
  type Setting,
  type SettingRow,
} from './config/config.js';
export {
  clientSettings,
  settings,
  tracingSettings,
  wholeNumberSetting,
  type GroupAddresses,
  type Groups,
} from './config/settings.js';
export {
  apiSecretsSetting,
  branchSecretsSetting,
  loginFileSetting,
  loginSecret,
  readerSecretsSetting,
  secretsSetting,
  type Secrets,
} from './config/secrets.js';
export { oidcSettings, withOidc, type WithOidc } from './config/oidc-settings.js';
export { withAuthority, type TlsFile } from './config/tls.js';
export { createLog } from './log.js';
export { Authorization, authorizationOf, branchOf } from './http/authorization.js';
export { problem, ProblemError } from './http/problem.js';
export { respond, HttpResponse } from './http/response.js';
export { Input, operation, type InputOf, type OperationDeclaration } from './http/operation.js';
export { Operation } from './open-api/operation.decorator.js';
export { idempotencyKeySchema, preferWaitSchema } from './http/request-headers.js';
export { Metrics } from './metrics.js';
export { createFrame, startService, type Frame, type Service } from './service.js';
export type { TokenKeysFile } from './token-keys.js';
export { runProcess } from './run-process.js';
export { addTracing } from './tracing/trace-requests.js';
export { Tracing } from './tracing/tracing.js';
