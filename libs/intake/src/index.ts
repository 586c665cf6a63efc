export {
  CommandIntake,
  type CommandIntakeOptions,
  type CommandRequest,
  type Settlement,
  type Submission,
} from './command-intake.js';
export { LocalAcceptance, type JournalSettings } from './local-acceptance.js';
export { openIntake, type IntakeSettings, type OpenIntake } from './open-intake.js';
export { IntakeModule } from './intake.module.js';
export { acceptedResponse } from './http/accepted.js';
export {
  commandHeadersSchema,
  decidedHeadersSchema,
  DECIDED_HEADERS,
  type CommandHeaders,
  type DecidedHeaders,
} from './http/command-headers.js';
export { COMMAND_PROBLEMS, DECIDED_PROBLEMS, responseOf, type CommandResponse } from './http/command-response.js';
export { decideNow, type DecidedRequest } from './http/decide-now.js';
