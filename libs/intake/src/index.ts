export {
  CommandIntake,
  type CommandIntakeOptions,
  type Request,
  type Settlement,
  type Submission,
} from './command-intake.js';
export { LocalAcceptance, type JournalSettings } from './local-acceptance.js';
export { openIntake, type IntakeSettings, type OpenIntake } from './open-intake.js';
export { IntakeModule } from './intake.module.js';
export { answerAccepted } from './http/accepted.js';
export {
  commandHeadersSchema,
  decidedHeadersSchema,
  DECIDED_HEADERS,
  type CommandHeaders,
  type DecidedHeaders,
} from './http/command-headers.js';
export { COMMAND_PROBLEMS, DECIDED_PROBLEMS, decisionOf, type Decision } from './http/decision.js';
export { decideNow, type DecidedRequest } from './http/decide-now.js';
