import { generateKeyPairSync } from 'node:crypto';
import {
  createSigningKey,
  OwnToken,
  TokenSigner,
  type Role,
  type Scope,
  type TokenFile,
  type TokenGrant,
} from '@eco/access';
import type { Planted } from './samples.js';

/** A client of the generated test. */
export interface TestCaller {
  readonly name: string;
  /** Value of `Authorization`; undefined: none. */
  readonly authorization?: string;
  /** Grant of the token. Absent: the token is not valid anywhere. */
  readonly grant?: Omit<TokenGrant, 'id'> | 'anonymous';
  /** True: the token has expired and is within the grace. */
  readonly isLate?: true;
  /** The only API that accepts the token. */
  readonly onlyAt?: string;
  /** The branch that asks for the caller, and how it names the caller. */
  readonly through?: { readonly branchId: string; readonly stated: string };
}

const OTHER_BRANCH = 'sucursal-2';

const MINUTE = 60;
const HOUR = 3_600;

/**
 * Callers of every role and with every kind of bad token. There are callers of the customer and branch of the planted
 * objects, and of others.
 */
export async function testCallers(
  tokens: TokenFile,
  { customerId, otherCustomerId, branchId }: Planted,
  scopes: readonly Scope[],
): Promise<TestCaller[]> {
  const signer = new TokenSigner(tokens);
  const manager: TokenGrant = { id: 'access manager', role: 'manager' };
  const good = await signer.sign(manager, HOUR);
  const [header = '', payload = '', signature = ''] = good.split('.');
  const bad = (name: string, token: string): TestCaller => ({ name, authorization: `Bearer ${token}` });
  const stranger = new TokenSigner({
    ...tokens,
    signingKey: { ...(await createSigningKey()), kid: tokens.signingKey.kid },
  });
  const publicKey = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  const grants: [string, Omit<TokenGrant, 'id'>][] = [
    ...(['administrator', 'manager', 'operator'] as const).map((role): [Role, { role: Role }] => [role, { role }]),
    ['branch manager of the branch', { role: 'branch-manager', branchId }],
    ['branch manager of another branch', { role: 'branch-manager', branchId: OTHER_BRANCH }],
    ['cashier of the branch', { role: 'cashier', branchId }],
    ['cashier of another branch', { role: 'cashier', branchId: OTHER_BRANCH }],
    ['the customer', { role: 'customer', customerId }],
    ['another customer', { role: 'customer', customerId: otherCustomerId }],
    ['integration without a scope', { role: 'integration' }],
    ['integration with every scope', { role: 'integration', scopes }],
    ['integration that reads', { role: 'integration', scopes: ['read'] }],
    ['integration for events', { role: 'integration', scopes: ['events'] }],
  ];
  const valid = async ([name, grant]: [string, Omit<TokenGrant, 'id'>]): Promise<TestCaller> => ({
    name,
    grant,
    authorization: `Bearer ${await signer.sign({ id: `access ${name}`, ...grant }, HOUR)}`,
  });
  return [
    { name: 'no token', grant: 'anonymous' },
    ...(await Promise.all(grants.map(valid))),
    {
      name: 'the customer, expired a minute ago',
      grant: { role: 'customer', customerId },
      isLate: true,
      authorization: `Bearer ${await signer.sign({ id: 'access late', role: 'customer', customerId }, -MINUTE)}`,
    },
    bad('expired for longer than the grace', await signer.sign(manager, -13 * HOUR)),
    bad('wrong signature', await stranger.sign(manager, HOUR)),
    bad('no signature', `${header}.${payload}.`),
    bad('alg none', `${encoded({ alg: 'none' })}.${payload}.`),
    bad('alg HS256', `${encoded({ alg: 'HS256', kid: tokens.signingKey.kid })}.${payload}.${signature}`),
    bad(
      'another role in the payload',
      `${header}.${encoded({ ...decoded(payload), role: 'administrator' })}.${signature}`,
    ),
    ...(await ofTheBranch(signer, tokens, branchId, customerId, otherCustomerId)),
    bad('wrong audience', await signer.sign(manager, HOUR, 'other')),
    bad('a public key instead of a token', Buffer.from(publicKey).toString('base64url')),
    { name: 'Basic instead of Bearer', authorization: `Basic ${Buffer.from('manager:').toString('base64')}` },
  ];
}

/** The branch for itself and for its callers. Only the read-service accepts its token. */
async function ofTheBranch(
  signer: TokenSigner,
  { branchKeys, ...tokens }: TokenFile,
  branchId: string,
  customerId: string,
  otherCustomerId: string,
): Promise<TestCaller[]> {
  const key = branchKeys.find((each) => each.branchId === branchId);
  if (key === undefined) throw new Error(`there is no key of ${branchId}`);
  const { authorization } = await OwnToken.ofBranch(key).header();
  const branch = { authorization, onlyAt: 'read-service' };
  const tokenOf = (grant: Omit<TokenGrant, 'id'>) => signer.sign({ id: 'access through a branch', ...grant }, HOUR);
  const through = (name: string, stated: string, grant: TestCaller['grant']): TestCaller => ({
    ...branch,
    name: `the branch for ${name}`,
    through: { branchId, stated },
    ...(grant && { grant }),
  });
  const ofPeople: [string, Omit<TokenGrant, 'id'>][] = [
    ['the customer', { role: 'customer', customerId }],
    ['another customer', { role: 'customer', customerId: otherCustomerId }],
    ['a manager', { role: 'manager' }],
    ['a cashier of another branch', { role: 'cashier', branchId: OTHER_BRANCH }],
  ];
  const forged: TokenGrant = { id: `branch.${OTHER_BRANCH}`, role: 'branch', branchId: OTHER_BRANCH };
  return [
    { ...branch, name: 'the branch', grant: { role: 'branch', branchId } },
    through('a client with no token', 'anonymous', 'anonymous'),
    through('its cashier', 'cashier k-1', { role: 'cashier', branchId }),
    through('its branch manager', 'branch-manager m-1', { role: 'branch-manager', branchId }),
    ...(await Promise.all(ofPeople.map(async ([name, grant]) => through(name, await tokenOf(grant), grant)))),
    through('a role that it may not state', 'manager m-1', undefined),
    {
      name: 'the branch as another branch',
      authorization: `Bearer ${await new TokenSigner({ ...tokens, signingKey: key }).sign(forged, HOUR)}`,
    },
    {
      name: 'the head office as a branch',
      authorization: `Bearer ${await signer.sign({ ...forged, branchId }, HOUR)}`,
    },
  ];
}

function decoded(payload: string): object {
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
}
