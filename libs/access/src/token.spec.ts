import { importJWK, SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';
import {
  createBranchKey,
  createSigningKey,
  createTokenSecrets,
  idKeyOf,
  publicKeyOf,
  type BranchKey,
  type SignerSecrets,
  type TokenSecrets,
} from './keys.js';
import { OwnToken } from './own-token.js';
import { TokenSigner, TokenVerifier, type TokenGrant, type Verified, type VerifierOptions } from './token.js';

const MINUTE = 60;
const HOUR = 3_600;

let secrets: TokenSecrets;
let signer: TokenSigner;
let nowMs: number;

beforeAll(async () => {
  secrets = await createTokenSecrets();
  signer = new TokenSigner(secrets);
});
beforeEach(() => {
  nowMs = Date.now();
});

const verifierWith = (options: Partial<VerifierOptions> = {}) =>
  new TokenVerifier({ secrets, graceSeconds: 12 * HOUR, now: () => nowMs, ...options });
const manager: TokenGrant = { id: 'm-1', role: 'manager', sessionId: 's-1' };

const reasonOf = (verified: Verified) => (verified.type === 'refused' ? verified.reason : verified.type);

/** A token with any claims and a valid signature. */
async function signed(claims: JWTPayload, header: Record<string, string> = {}): Promise<string> {
  const key = await importJWK(secrets.signingKey, 'EdDSA');
  return new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', kid: secrets.signingKey.kid, ...header }).sign(key);
}

/** The claims of a manager's token. */
function claims(): JWTPayload {
  const iat = Math.floor(nowMs / 1000);
  const idk = idKeyOf('m-1', secrets.idKeyMaster).toString('base64url');
  return { iss: 'ecomarket', aud: 'ecomarket', sub: 'm-1', role: 'manager', idk, iat, exp: iat + MINUTE };
}

describe('an access token', () => {
  // ASVS 5.0: 7.2.2, 10.3.3
  it.each<TokenGrant>([
    manager,
    { id: 'c-1', role: 'customer', customerId: 'ana' },
    { id: 'k-1', role: 'cashier', branchId: 'sucursal-1', sessionId: 's-2' },
    { id: 'i-1', role: 'integration', scopes: ['events', 'order.place'] },
  ])('of a $role states its principal', async (grant) => {
    const verified = await verifierWith().verify(await signer.sign(grant, MINUTE));
    if ('reason' in verified) throw new Error(verified.reason);
    const { idKey, formerIdKeys, ...principal } = verified.principal;
    expect(principal).toEqual({ branchId: null, customerId: null, scopes: [], sessionId: null, ...grant });
    expect([idKey.export(), ...formerIdKeys]).toEqual([idKeyOf(grant.id, secrets.idKeyMaster)]);
  });

  it('without an id key gets one for its principal, which every API derives from its own secret alike', async () => {
    const idKeyFor = async (sub: string, verifier = verifierWith()) => {
      const { idk: _idk, ...others } = claims();
      const verified = await verifier.verify(await signed({ ...others, sub }));
      if ('reason' in verified) throw new Error(verified.reason);
      return verified.principal.idKey.export().toString('hex');
    };
    const idKey = await idKeyFor('m-1');
    expect(idKey).toHaveLength(32);
    expect(await idKeyFor('m-1', verifierWith({ secrets: { ...secrets } }))).toBe(idKey);
    expect(await idKeyFor('m-2')).not.toBe(idKey);
    const { anonymousIdKey } = await createTokenSecrets();
    expect(await idKeyFor('m-1', verifierWith({ secrets: { ...secrets, anonymousIdKey } }))).not.toBe(idKey);
  });

  it.each<[string, TokenGrant]>([
    ['a cashier without a branch', { id: 'k', role: 'cashier' }],
    ['a customer without a customer id', { id: 'c', role: 'customer' }],
    ['a manager with a branch', { id: 'm', role: 'manager', branchId: 'sucursal-1' }],
    ['a manager with a scope', { id: 'm', role: 'manager', scopes: ['read'] }],
    ['the branch central', { id: 'k', role: 'cashier', branchId: 'central' }],
    ['an empty id', { id: '', role: 'manager' }],
  ])('is not made for %s', async (_, grant) => {
    await expect(signer.sign(grant, MINUTE)).rejects.toThrow();
  });

  it('is verified without a promise the second time', async () => {
    const verifier = verifierWith();
    const token = await signer.sign(manager, MINUTE);
    const first = await verifier.verify(token);
    expect(verifier.verify(token)).toEqual(first);
  });

  // ASVS 5.0: 9.2.1
  it('is graceful for 12 h after its expiry, also at a process that sees it for the first time', async () => {
    const verifier = verifierWith();
    const token = await signer.sign(manager, MINUTE);
    expect((await verifier.verify(token)).type).toBe('current');
    nowMs += 2 * MINUTE * 1000;
    expect(verifier.verify(token)).toMatchObject({ type: 'graceful', principal: { id: 'm-1' } });
    expect((await verifierWith().verify(token)).type).toBe('graceful');
    nowMs += 12 * HOUR * 1000;
    expect(verifier.verify(token)).toEqual({ type: 'refused', reason: 'the token has expired' });
    expect(reasonOf(await verifierWith().verify(token))).toBe('the token has expired');
  });

  it('is refused as soon as its session has ended', async () => {
    const ended = new Set<string>();
    const verifier = verifierWith({ isRevoked: (sessionId) => ended.has(sessionId) });
    const token = await signer.sign(manager, MINUTE);
    expect((await verifier.verify(token)).type).toBe('current');
    ended.add('s-1');
    expect(verifier.verify(token)).toEqual({ type: 'refused', reason: 'the session has ended' });
  });

  // ASVS 5.0: 9.1.3
  it('is accepted with any of the known keys, and not with another one', async () => {
    const next = await createSigningKey();
    const byNext = await new TokenSigner({ ...secrets, signingKey: next }).sign(manager, MINUTE);
    const byOld = await signer.sign(manager, MINUTE);
    const rotating = verifierWith({ secrets: { ...secrets, keys: [publicKeyOf(next), ...secrets.keys] } });
    expect((await rotating.verify(byNext)).type).toBe('current');
    expect((await rotating.verify(byOld)).type).toBe('current');
    expect((await verifierWith().verify(byNext)).type).toBe('refused');
  });

  // ASVS 5.0: 9.2.3, 9.2.4, 10.3.1
  it('is accepted only where it is meant for', async () => {
    const token = await signer.sign(manager, MINUTE, 'branch:sucursal-1');
    expect((await verifierWith().verify(token)).type).toBe('refused');
    expect((await verifierWith({ audiences: ['ecomarket', 'branch:sucursal-1'] }).verify(token)).type).toBe('current');
  });

  // ASVS 5.0: 6.8.2, 9.1.1, 9.1.2, 9.2.2
  it.each<[string, () => Promise<string>]>([
    ['has no signature', async () => new UnsecuredJWT(claims()).encode()],
    [
      'is signed with HMAC by the public key',
      async () => {
        const key = Buffer.from(secrets.keys[0]?.x ?? '', 'base64url');
        return new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: secrets.signingKey.kid }).sign(key);
      },
    ],
    ['is signed by a key with a known id that is another key', () => signedByStranger()],
    ['names an unknown key', () => signed(claims(), { kid: 'unknown' })],
    ['has another issuer', () => signed({ ...claims(), iss: 'other' })],
    ['has another audience', () => signed({ ...claims(), aud: 'other' })],
    ['has no expiry', () => signed({ ...claims(), exp: undefined })],
    ['has an unknown role', () => signed({ ...claims(), role: 'owner' })],
    ['has a short id key', () => signed({ ...claims(), idk: 'AAAA' })],
    ['is a cashier’s without a branch', () => signed({ ...claims(), role: 'cashier' })],
    ['has a changed claim', () => changed()],
    ['is too long', () => signed({ ...claims(), more: 'x'.repeat(5_000) })],
    ['is no token', async () => 'not-a-token'],
    ['is empty', async () => ''],
  ])('is refused when it %s', async (_, make) => {
    const verifier = verifierWith();
    const token = await make();
    expect((await verifier.verify(token)).type).toBe('refused');
    // The refused token was not remembered: it would be verified without a promise.
    expect(verifier.verify(token)).toBeInstanceOf(Promise);
  });

  it('with the same claims is accepted when it is made correctly', async () => {
    expect((await verifierWith().verify(await signed(claims()))).type).toBe('current');
  });

  async function signedByStranger(): Promise<string> {
    const { kid } = secrets.signingKey;
    return new TokenSigner({ ...secrets, signingKey: { ...(await createSigningKey()), kid } }).sign(manager, MINUTE);
  }

  async function changed(): Promise<string> {
    const [header, , signature] = (await signed(claims())).split('.');
    const payload = Buffer.from(JSON.stringify({ ...claims(), role: 'administrator' })).toString('base64url');
    return [header, payload, signature].join('.');
  }
});

describe('an id key', () => {
  it('has 16 bytes, which are the same for each token of a principal and differ between principals', () => {
    const { idKeyMaster } = secrets;
    expect(idKeyOf('a', idKeyMaster)).toEqual(idKeyOf('a', idKeyMaster));
    expect(idKeyOf('a', idKeyMaster)).not.toEqual(idKeyOf('b', idKeyMaster));
    expect(idKeyOf('a', idKeyMaster)).toHaveLength(16);
  });
});

describe('a token of a branch', () => {
  let key: BranchKey;
  let others: BranchKey;
  beforeAll(async () => {
    [key, others] = [await createBranchKey('sucursal-1'), await createBranchKey('sucursal-2')];
  });
  const tokenOf = (signingKey: SignerSecrets['signingKey'], grant: TokenGrant) =>
    new TokenSigner({ ...secrets, signingKey }).sign(grant, MINUTE);
  const branch: TokenGrant = { id: 'branch.sucursal-1', role: 'branch', branchId: 'sucursal-1' };
  const knowsBranches = () =>
    verifierWith({ secrets: { ...secrets, branchKeys: [publicKeyOf(key), publicKeyOf(others)] } });

  it('is accepted where the key of its branch is known', async () => {
    const { authorization } = await OwnToken.ofBranch(key).header();
    const token = authorization.replace('Bearer ', '');
    expect(await knowsBranches().verify(token)).toMatchObject({
      type: 'current',
      principal: { id: 'branch.sucursal-1', role: 'branch', branchId: 'sucursal-1', customerId: null },
    });
    expect((await verifierWith().verify(token)).type).toBe('refused');
  });

  it('is valid by the clock that it is given, and made again when that clock is set', async () => {
    let nowMs = Date.now() - 86_400_000;
    const own = OwnToken.ofBranch(key, () => nowMs);
    const stateOf = async () => {
      const { authorization } = await own.header();
      return (await knowsBranches().verify(authorization.replace('Bearer ', ''))).type;
    };
    expect(await stateOf()).toBe('refused');
    nowMs = Date.now();
    expect(await stateOf()).toBe('current');
    nowMs = Date.now() - 86_400_000;
    expect(await stateOf()).toBe('refused');
  });

  it('is refused when a key of another branch or of the head office has signed it', async () => {
    expect((await knowsBranches().verify(await tokenOf(others, branch))).type).toBe('refused');
    expect((await knowsBranches().verify(await tokenOf(secrets.signingKey, branch))).type).toBe('refused');
  });

  it('states no other role', async () => {
    const cashier: TokenGrant = { id: 'k-1', role: 'cashier', branchId: 'sucursal-1' };
    for (const grant of [manager, cashier]) {
      expect((await knowsBranches().verify(await tokenOf(key, grant))).type).toBe('refused');
    }
  });

  it('is refused once its key is removed', async () => {
    const verifier = knowsBranches();
    const token = await tokenOf(key, branch);
    expect((await verifier.verify(token)).type).toBe('current');
    verifier.useKeys({ keys: secrets.keys, branchKeys: [publicKeyOf(others)] });
    expect((await verifier.verify(token)).type).toBe('refused');
  });
});
