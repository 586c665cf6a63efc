export {
  loginNameSchema,
  loginSchema,
  newPasswordSchema,
  newPinSchema,
  standingSchema,
  type Account,
} from './account.js';
export { branchAudience, BranchPins } from './branch-pins.js';
export { CustomerAccounts, type TooMany } from './customer-accounts.js';
export { Identity, type LogInRefusal, type SessionTokens } from './identity.js';
export { IdentityStore } from './identity-store.js';
export { MailStore, type DueMail, type MailPurpose } from './mail-store.js';
export { PasswordsBusyError } from './password.js';
export { IdentityUnavailableError, PrimaryConnection } from './primary-connection.js';
export { branchPinSchema, PinStore } from './pin-store.js';
export { readCommonPasswords } from './guessable.js';
export { RevokedSessions, revokedSessionsIn, type ReadRevoked } from './revoked-sessions.js';
