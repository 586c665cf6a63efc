export { CommandIntake, type Requester, type Settlement, type Submission } from './command-intake.js';
export type { GroupKnowledge } from './group-knowledge.js';
export { LocalAcceptance, traitsOfCommand } from './local-acceptance.js';
export { openIntake, type OpenIntake } from './open-intake.js';
