export { hostPort, type Address } from './address.js';
export { baseUrl, tlsOptions, TLS_VERSION_MIN, trustAuthority, type TlsOptions } from './tls.js';
export { presentPasswords, type ChangingLogin, type Login, type Password } from './login.js';
export type { Log } from './log.js';
export { sleep } from './sleep.js';
export { PeriodicTask } from './periodic-task.js';
export { settlesWithin, within } from './deadline.js';
export { backOffMs, doubledMs, pauseAfter, shuffled } from './back-off.js';
export { escapedHtml } from './escaped-html.js';
export { StartError } from './start-error.js';
export {
  formatTraceParent,
  NO_TRACER,
  parseTraceParent,
  type Span,
  type SpanAttributes,
  type SpanName,
  type SpanStart,
  type TraceParent,
  type Tracer,
} from './tracing.js';
