export { CommandIntake, type CommandIntakeOptions, type Request, type Submission } from './command-intake.js';
export { openIntake, type IntakeSettings, type OpenIntake } from './open-intake.js';
export { IntakeModule } from './intake.module.js';
export { answerAccepted } from './http/accepted.js';
export { commandHeadersSchema, DECIDED_HEADERS, type CommandHeaders } from './http/command-headers.js';
export { COMMAND_PROBLEMS, decisionOf, type Decision } from './http/decision.js';
