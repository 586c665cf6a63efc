export { CommandIntake } from './command-intake.js';
export { LocalAcceptance } from './local-acceptance.js';
export { openIntake } from './open-intake.js';
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
export { decideNow } from './http/decide-now.js';
