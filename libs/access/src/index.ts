export {
  anonymousPrincipal,
  BRANCH_ROLE,
  roles,
  type CallerRole,
  type Principal,
  type Role,
  type Scope,
} from './principal.js';
export {
  branchTokenSecretsSchema,
  createBranchKey,
  createSigningKey,
  createTokenSecrets,
  ID_KEY_BYTES,
  idKeyOf,
  idKeysOf,
  publicKeyOf,
  rotateIdKeys,
  sharedIdKeyOf,
  tokenFileSchema,
  tokenSecretsSchema,
  verifierSecretsSchema,
  type BranchKey,
  type BranchTokenSecrets,
  type SignerSecrets,
  type TokenFile,
  type TokenSecrets,
  type VerifierSecrets,
} from './keys.js';
export { announceKey, useAnnouncedKey } from './key-rotation.js';
export { isSafeUrl, OidcIssuer, oidcRoles, type OidcRole, type OidcSettings } from './oidc.js';
export { OwnToken } from './own-token.js';
export {
  AUDIENCE,
  audienceOf,
  TokenSigner,
  TokenVerifier,
  type TokenGrant,
  type Verified,
  type VerifierOptions,
} from './token.js';
export {
  callerRoles,
  fieldRuleOf,
  reachesObject,
  reachOf,
  type Access,
  type Caller,
  type FieldRule,
  type Owner,
} from './policy.js';
