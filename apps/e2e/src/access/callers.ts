import { generateKeyPairSync } from 'node:crypto';
import { createSigningKey, TokenSigner, type Role, type Scope, type TokenGrant, type TokenSecrets } from '@eco/access';
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
}

const OTHER_BRANCH = 'sucursal-2';

const MINUTE = 60;
const HOUR = 3_600;

/**
 * Callers of every role and with every kind of bad token. There are callers of the customer and branch of the planted
 * objects, and of others.
 */
export async function testCallers(
  tokens: TokenSecrets,
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
    bad('wrong audience', await signer.sign(manager, HOUR, 'other')),
    bad('a public key instead of a token', Buffer.from(publicKey).toString('base64url')),
    { name: 'Basic instead of Bearer', authorization: `Basic ${Buffer.from('manager:').toString('base64')}` },
  ];
}

function decoded(payload: string): object {
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
}
