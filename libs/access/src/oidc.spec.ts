import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { isSafeUrl, OidcIssuer, type OidcSettings } from './oidc.js';

/* The provider here is a server with a configuration and keys. oidc.int.spec.ts of central-api has a certified one. */

const AUDIENCE = 'https://ecomarket.example';
const roles = [
  { value: 'eco-admins', role: 'administrator' },
  { value: 'eco-buyers', role: 'manager' },
] as const;

let server: Server;
let issuerUrl: string;
let signing: { key: CryptoKey; jwk: JWK };
let configuration: Record<string, unknown>;
let published: JWK[];
let requests: number;
let nowMs: number;
let failures: string[];

beforeAll(async () => {
  signing = await keyPair('k1', 'RS256');
  server = createServer((request, response) => {
    requests += 1;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.url === '/keys' ? { keys: published } : configuration));
  });
  await listen();
  issuerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => stop());
beforeEach(async () => {
  if (!server.listening) await listen(Number(new URL(issuerUrl).port));
  configuration = { issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` };
  published = [signing.jwk];
  requests = 0;
  nowMs = Date.now();
  failures = [];
});

function listen(port = 0): Promise<void> {
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
}

async function stop(): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

async function keyPair(kid: string, alg: string): Promise<{ key: CryptoKey; jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const issuerWith = (settings: Partial<OidcSettings> = {}) =>
  new OidcIssuer(
    { issuer: issuerUrl, audience: AUDIENCE, roleClaim: 'roles', roles, ...settings },
    {
      onFailure: ({ message }) => failures.push(message),
      now: () => nowMs,
    },
  );

function claims(more: JWTPayload = {}): JWTPayload {
  const iat = Math.floor(nowMs / 1000);
  return { iss: issuerUrl, aud: AUDIENCE, sub: 'p-1', roles: ['eco-buyers'], iat, exp: iat + 300, ...more };
}

function signed(payload = claims(), { key, jwk } = signing, header: Record<string, string> = {}): Promise<string> {
  const { kid = '', alg = '' } = jwk;
  return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(key);
}

describe('a token of an identity provider', () => {
  // ASVS 5.0: 6.8.1
  it('gives the role of its group to a principal of its own kind', async () => {
    const issuer = issuerWith();
    const token = await signed();
    expect(issuer.owns(token)).toBe(true);
    expect(await issuer.check(token)).toEqual({
      type: 'known',
      id: 'oidc:p-1',
      role: 'manager',
      expiresAt: claims()['exp'],
    });
  });

  it.each<[string, JWTPayload, string, string]>([
    ['a list', { roles: ['x', 'eco-buyers'] }, 'roles', 'manager'],
    ['one text', { roles: 'eco-admins' }, 'roles', 'administrator'],
    ['two groups', { roles: ['eco-buyers', 'eco-admins'] }, 'roles', 'administrator'],
    ['a member of a claim', { access: { roles: ['eco-buyers'] } }, 'access.roles', 'manager'],
    [
      'a claim with a dot in its name',
      { 'https://x.example/roles': ['eco-buyers'] },
      'https://x.example/roles',
      'manager',
    ],
  ])('finds the groups in %s', async (_, more, roleClaim, role) => {
    const token = await signed(claims({ roles: undefined, ...more }));
    expect(await issuerWith({ roleClaim }).check(token)).toMatchObject({ type: 'known', role });
  });

  it.each<[string, JWTPayload]>([
    ['names another group', { roles: ['owners'] }],
    ['names no group', { roles: undefined }],
    ['has groups of another form', { roles: [{ name: 'eco-admins' }, 7] }],
  ])('gives no role when it %s', async (_, more) => {
    expect(await issuerWith().check(await signed(claims(more)))).toEqual({ type: 'unmapped' });
  });

  it('never shows an e-mail address as the id of its principal', async () => {
    const checked = await issuerWith().check(await signed(claims({ sub: 'ana@example.com' })));
    expect(checked).toMatchObject({ id: expect.stringMatching(/^oidc:[\w-]{43}$/) as unknown });
  });

  // ASVS 5.0: 6.8.2, 7.6.1, 9.1.1, 9.1.2, 9.2.1, 9.2.3, 10.3.1
  it.each<[string, () => Promise<string>]>([
    ['has no signature', async () => new UnsecuredJWT(claims()).encode()],
    ['is signed with the public key as a secret', () => byHmac()],
    [
      'is signed by a key with a known id that is another key',
      async () => signed(claims(), await keyPair('k1', 'RS256')),
    ],
    ['names a key that is not published', async () => signed(claims(), await keyPair('k2', 'RS256'))],
    ['has another audience', () => signed(claims({ aud: 'other' }))],
    ['has no audience', () => signed(claims({ aud: undefined }))],
    ['has another issuer', () => signed(claims({ iss: `${issuerUrl}/other` }))],
    ['has expired', () => signed(claims({ exp: Math.floor(nowMs / 1000) - 1 }))],
    ['has no expiry', () => signed(claims({ exp: undefined }))],
    ['is older than a day', () => signed(claims({ iat: Math.floor(nowMs / 1000) - 86_401 }))],
    ['has no subject', () => signed(claims({ sub: undefined }))],
    ['is signed by an algorithm that is not permitted', async () => signed(claims(), await keyPair('k1', 'RS512'))],
  ])('is refused when it %s', async (_, make) => {
    expect(await issuerWith().check(await make())).toMatchObject({ type: 'refused' });
  });

  function byHmac(): Promise<string> {
    const secret = Buffer.from(signing.jwk.n ?? '', 'base64url');
    return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret);
  }
});

describe('the keys of an identity provider', () => {
  it('are read once, before the first token', async () => {
    const issuer = issuerWith();
    expect(requests).toBe(0);
    for (let n = 0; n < 5; n += 1) await issuer.check(await signed(claims({ sub: `p-${n}` })));
    expect(requests).toBe(2);
  });

  it('stay in use while the provider is away, for a long time', async () => {
    const issuer = issuerWith();
    await issuer.check(await signed());
    await stop();
    nowMs += 3_600_000;
    expect(await issuer.check(await signed())).toMatchObject({ type: 'known' });
    expect(await issuer.check(await signed(claims(), await keyPair('k2', 'RS256')))).toMatchObject({ type: 'refused' });
  });

  it('are tried again 5 s after a failure', async () => {
    const issuer = issuerWith();
    await stop();
    const reason = 'the keys of the identity provider cannot be read now';
    expect(await issuer.check(await signed())).toEqual({ type: 'refused', reason });
    await listen(Number(new URL(issuerUrl).port));
    expect(await issuer.check(await signed())).toEqual({ type: 'refused', reason });
    expect(failures).toHaveLength(1);
    nowMs += 5_000;
    expect(await issuer.check(await signed())).toMatchObject({ type: 'known' });
  });

  it('are read again after 10 min, so that a withdrawn key ends', async () => {
    const issuer = issuerWith();
    const token = await signed(claims({ exp: Math.floor(nowMs / 1000) + 3_600 }));
    await issuer.check(token);
    published = [(await keyPair('k2', 'ES256')).jwk];
    nowMs += 600_000;
    // The first check only starts the reading.
    await issuer.check(token);
    const deadline = performance.now() + 60_000;
    while ((await issuer.check(token)).type !== 'refused') {
      if (performance.now() > deadline) throw new Error('the withdrawn key is still accepted');
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

  it.each<[string, () => object]>([
    ['names another issuer', () => ({ issuer: 'https://other.example', jwks_uri: `${issuerUrl}/keys` })],
    ['names keys without https on another machine', () => ({ issuer: issuerUrl, jwks_uri: 'http://192.0.2.1/keys' })],
    ['names no keys', () => ({ issuer: issuerUrl })],
  ])('are not read when the configuration %s', async (_, make) => {
    configuration = { ...make() };
    expect(await issuerWith().check(await signed())).toMatchObject({ type: 'refused' });
    expect([failures.length, requests]).toEqual([1, 1]);
  });
});

it.each([
  ['https://login.example', true],
  ['http://127.0.0.1:8080/x', true],
  ['http://localhost', true],
  ['http://login.example', false],
  ['ftp://localhost', false],
  ['login.example', false],
])('isSafeUrl(%j) is %j', (url, isSafe) => {
  expect(isSafeUrl(url)).toBe(isSafe);
});
