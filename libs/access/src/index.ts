export { anonymousPrincipal, roles, type CallerRole, type Principal, type Role, type Scope } from './principal.js';
export {
  createSigningKey,
  createTokenSecrets,
  idKeyOf,
  publicKeyOf,
  tokenSecretsSchema,
  verifierSecretsSchema,
  type SignerSecrets,
  type TokenSecrets,
  type VerifierSecrets,
} from './keys.js';
export { TokenSigner, TokenVerifier, type TokenGrant, type Verified, type VerifierOptions } from './token.js';
export {
  callerRoles,
  fieldRuleOf,
  reaches,
  reachesObject,
  reachOf,
  type Access,
  type Caller,
  type FieldRule,
  type Owner,
  type Reach,
} from './policy.js';
