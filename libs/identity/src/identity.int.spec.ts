import { randomUUID } from 'node:crypto';
import { createTokenSecrets, TokenSigner, TokenVerifier, type Role } from '@eco/access';
import type { Log } from '@eco/base';
import { Reads } from '@eco/reads';
import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { Registry } from 'prom-client';
import { loginHashOf } from './account.js';
import { ATTEMPTS_MAX, logInSubjects } from './attempts.js';
import { Identity, type LogInRefusal, type SessionTokens } from './identity.js';
import { IdentityStore } from './identity-store.js';
import { IdentityUnavailableError, PrimaryConnection } from './primary-connection.js';
import { RevokedSessions, revokedSessionsIn } from './revoked-sessions.js';

/* Log-ins on a real primary with a replica, through two stores as in two processes. */

let group: DatabaseGroup;
let identity: Identity;
let other: Identity;
let reads: Reads;
let revoked: RevokedSessions;
let verifier: TokenVerifier;
const primaries: PrimaryConnection[] = [];
let store: IdentityStore;
const lines: { level: string; fields: unknown; text: string }[] = [];

const note = (level: string) => (fields: object, text: string) => void lines.push({ level, fields, text });
const log: Log = {
  debug: note('debug'),
  info: note('info'),
  warn: note('warn'),
  error: note('error'),
  isLevelEnabled: () => true,
};

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 1 });
  const secrets = await createTokenSecrets();
  const nodes = () =>
    group.servers.map(({ host, port }, index) => ({
      node: { host, port },
      role: index === 0 ? ('primary' as const) : ('replica' as const),
    }));
  const open = () => {
    const { password } = group.login('eco_identity');
    const primary = new PrimaryConnection({ nodes, password, applicationName: 'spec' });
    primaries.push(primary);
    store = new IdentityStore(primary);
    return new Identity({ store, signer: new TokenSigner(secrets), idKeysOf: () => [Buffer.alloc(16)], log });
  };
  identity = open();
  other = open();
  reads = new Reads({
    groups: [{ id: group.id, nodes: group.servers }],
    login: group.login('eco_reader'),
    applicationName: 'spec',
    log,
    registry: new Registry(),
  });
  await reads.start();
  revoked = new RevokedSessions(revokedSessionsIn(reads), log);
  await revoked.start();
  verifier = new TokenVerifier({
    secrets,
    graceSeconds: 3_600,
    isRevoked: (sessionId) => revoked.has(sessionId),
  });
}, 180_000);
afterAll(async () => {
  await revoked?.stop();
  reads?.stop();
  for (const primary of primaries) primary.close();
  await group?.stop();
});

const PASSWORD = 'a long password';
const address = () => randomUUID();

/** A new account with the password above. */
async function account(role: Role = 'manager', branchId: string | null = null) {
  const login = `user-${randomUUID().slice(0, 8)}`;
  const added = await identity.addAccount(
    { login, password: PASSWORD, role, branchId, customerId: null, scopes: [] },
    'spec',
  );
  if (added.type !== 'added') throw new Error(added.type);
  return { login, accountId: added.account.accountId };
}

function tokensOf(result: SessionTokens | LogInRefusal | undefined): SessionTokens {
  if (result === undefined || 'type' in result) throw new Error(`no tokens: ${JSON.stringify(result)}`);
  return result;
}

const logIn = async (login: string) =>
  tokensOf(await identity.logIn({ login, password: PASSWORD, address: address() }));

describe('a log-in', () => {
  // ASVS 5.0: 7.2.4
  it('begins a session, whose access token states the account', async () => {
    const { login, accountId } = await account('cashier', 'sucursal-1');
    const { accessToken, sessionId } = await logIn(login.toUpperCase());
    expect(await verifier.verify(accessToken)).toMatchObject({
      type: 'current',
      principal: { id: accountId, role: 'cashier', branchId: 'sucursal-1', customerId: null, scopes: [], sessionId },
    });
    expect((await identity.sessions(accountId)).map((each) => each.sessionId)).toEqual([sessionId]);
  });

  it('is refused alike for a wrong password, an unknown account and a disabled one', async () => {
    const { login } = await account();
    const disabled = await account();
    await identity.changeAccount(disabled.accountId, { isDisabled: true }, 'spec');
    const tries = [
      { login, password: 'another password' },
      { login: `nobody-${randomUUID()}`, password: PASSWORD },
      { login: disabled.login, password: PASSWORD },
    ];
    for (const each of tries) expect(await identity.logIn({ ...each, address: address() })).toEqual({ type: 'wrong' });
  });

  // ASVS 5.0: 10.4.4
  it('is refused to a program, and a token to a person', async () => {
    const person = await account();
    const login = `shop-${randomUUID().slice(0, 8)}`;
    await identity.addAccount(
      { login, password: PASSWORD, role: 'integration', branchId: null, customerId: null, scopes: ['events'] },
      'spec',
    );
    const from = (name: string) => ({ login: name, password: PASSWORD, address: address() });
    expect(await identity.logIn(from(login))).toEqual({ type: 'wrong' });
    expect(await identity.tokenFor(from(person.login))).toEqual({ type: 'wrong' });
    const given = await identity.tokenFor(from(login));
    expect(await verifier.verify('accessToken' in given ? given.accessToken : '')).toMatchObject({
      type: 'current',
      principal: { role: 'integration', scopes: ['events'] },
    });
  });

  // ASVS 5.0: 6.3.1
  it('is refused after too many failures of an account, at every process and even with the right password', async () => {
    const { login } = await account();
    const guess = (at: Identity) => at.logIn({ login, password: 'a wrong guess', address: address() });
    const guesses = await Promise.all(
      Array.from({ length: ATTEMPTS_MAX.account + 2 }, (_, index) => guess(index % 2 === 0 ? identity : other)),
    );
    expect(guesses.filter((each) => 'type' in each && each.type === 'wrong')).toHaveLength(ATTEMPTS_MAX.account);
    expect(await other.logIn({ login, password: PASSWORD, address: address() })).toEqual({
      type: 'too-many',
      retryAfterMs: expect.any(Number) as number,
    });
  });

  it('works again once the failures are older than the window', async () => {
    const { login } = await account();
    for (let tries = 0; tries < ATTEMPTS_MAX.account; tries += 1) {
      await identity.logIn({ login, password: 'a wrong guess', address: address() });
    }
    expect(await identity.logIn({ login, password: PASSWORD, address: address() })).toMatchObject({ type: 'too-many' });
    await group.asSuperuser(
      `UPDATE identity.attempt SET failed_at = ARRAY(SELECT f - interval '16 min' FROM unnest(failed_at) AS f)`,
    );
    await logIn(login);
  });

  it('does not count when it succeeds, so many people of one address can log in', async () => {
    const { login } = await account();
    const from = address();
    for (let turn = 0; turn < ATTEMPTS_MAX.account + 2; turn += 1) {
      tokensOf(await identity.logIn({ login, password: PASSWORD, address: from }));
    }
    const subjects = logInSubjects(loginHashOf(login), from).map(({ hash }) => hash);
    const rows = await group.asSuperuser<{ failed: number }>(
      `SELECT cardinality(failed_at)::int AS failed FROM identity.attempt WHERE subject = ANY ($1::bytea[])`,
      [subjects],
    );
    expect(rows).toEqual([{ failed: 0 }, { failed: 0 }]);
  });
});

describe('a refresh token', () => {
  it('gives the next tokens of the session, at any process', async () => {
    const { login } = await account();
    const first = await logIn(login);
    const second = tokensOf(await other.refresh(first.refreshToken));
    const third = tokensOf(await identity.refresh(second.refreshToken));
    expect(new Set([first, second, third].map(({ sessionId }) => sessionId)).size).toBe(1);
    expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
  });

  it('gives both tabs of a browser the same successor, also when they ask at the same time', async () => {
    const { login } = await account();
    const { refreshToken } = await logIn(login);
    const answers = await Promise.all(
      [identity, other, identity, other].map((each) => each.refresh(refreshToken).then(tokensOf)),
    );
    const [successor, ...more] = new Set(answers.map((each) => each.refreshToken));
    expect(more).toEqual([]);
    tokensOf(await identity.refresh(successor ?? ''));
  });

  // ASVS 5.0: 10.4.5
  it('ends the session and its access tokens when it is used again later', async () => {
    const { login } = await account();
    const { refreshToken, accessToken, sessionId } = await logIn(login);
    const successor = tokensOf(await identity.refresh(refreshToken)).refreshToken;
    await group.asSuperuser(`UPDATE identity.session SET used_at = used_at - interval '11 s' WHERE session_id = $1`, [
      sessionId,
    ]);
    expect(await other.refresh(refreshToken)).toBeUndefined();
    expect(await identity.refresh(successor)).toBeUndefined();
    await eventually(
      'the access token is refused',
      async () => (await verifier.verify(accessToken)).type === 'refused',
    );
  });

  // ASVS 5.0: 7.3.1, 7.3.2, 10.4.8
  it('is refused after its session was idle for too long or has ended', async () => {
    for (const column of ['idle_until', 'ends_at']) {
      const { login } = await account();
      const { refreshToken, sessionId } = await logIn(login);
      await group.asSuperuser(`UPDATE identity.session SET ${column} = now() WHERE session_id = $1`, [sessionId]);
      expect(await identity.refresh(refreshToken)).toBeUndefined();
    }
  });

  it.each(['', 'x', `${'A'.repeat(43)}.${'B'.repeat(43)}`])('%j is unknown', async (text) => {
    expect(await identity.refresh(text)).toBeUndefined();
    await identity.logOut(text, { everywhere: true });
  });
});

describe('an ended session', () => {
  it('is known to other processes after a log-out', async () => {
    const { login } = await account();
    const { accessToken, refreshToken } = await logIn(login);
    expect(await verifier.verify(accessToken)).toMatchObject({ type: 'current' });
    await identity.logOut(refreshToken, { everywhere: false });
    expect(await identity.refresh(refreshToken)).toBeUndefined();
    await eventually(
      'the access token is refused',
      async () => (await verifier.verify(accessToken)).type === 'refused',
    );
  });

  it('is every one of the account after a log-out everywhere, and only the named one otherwise', async () => {
    const { login, accountId } = await account();
    const [one, two, three] = [await logIn(login), await logIn(login), await logIn(login)];
    const end = (id: string, { sessionId }: SessionTokens, password = PASSWORD) =>
      identity.endSession(id, { sessionId, password, address: address() });
    expect(await end(accountId, one, 'a wrong guess')).toEqual({ type: 'wrong' });
    expect(await end(accountId, one)).toBe('ended');
    expect(await end(accountId, one)).toBe('unknown');
    expect(await end(randomUUID(), two)).toEqual({ type: 'wrong' });
    expect((await identity.sessions(accountId)).map(({ sessionId }) => sessionId)).toEqual([
      three.sessionId,
      two.sessionId,
    ]);
    await identity.logOut(two.refreshToken, { everywhere: true });
    expect(await identity.sessions(accountId)).toEqual([]);
  });

  // ASVS 5.0: 7.4.2
  it.each([
    ['is disabled', { isDisabled: true }],
    ['gets another role', { role: 'administrator' as const }],
    ['gets another branch', { role: 'cashier' as const, branchId: 'sucursal-2' }],
  ])('is every one of an account that %s', async (_what, change) => {
    const { login, accountId } = await account();
    const { refreshToken } = await logIn(login);
    expect(await identity.changeAccount(accountId, change, 'spec')).toMatchObject({ type: 'changed' });
    expect(await identity.refresh(refreshToken)).toBeUndefined();
  });

  it('is also one that begins while its account is disabled', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { login, accountId } = await account();
      const [result] = await Promise.all([
        identity.logIn({ login, password: PASSWORD, address: address() }),
        other.changeAccount(accountId, { isDisabled: true }, 'spec'),
      ]);
      if (!('type' in result)) expect(await identity.refresh(result.refreshToken)).toBeUndefined();
    }
  });
});

describe('a password', () => {
  // ASVS 5.0: 6.2.2, 7.4.3
  it('is changed with the present one; the other sessions end', async () => {
    const { login, accountId } = await account();
    const [mine, another] = [await logIn(login), await logIn(login)];
    const change = { newPassword: 'quite another password', sessionId: mine.sessionId, address: address() };
    expect(await identity.changePassword(accountId, { password: 'a wrong guess', ...change })).toEqual({
      type: 'wrong',
    });
    expect(await identity.changePassword(accountId, { password: PASSWORD, ...change })).toBe('changed');
    expect(await identity.refresh(another.refreshToken)).toBeUndefined();
    tokensOf(await identity.refresh(mine.refreshToken));
    expect(await identity.logIn({ login, password: PASSWORD, address: address() })).toEqual({ type: 'wrong' });
    tokensOf(await identity.logIn({ login, password: change.newPassword, address: address() }));
  });

  // ASVS 5.0: 7.4.5
  it('is generated by a reset, and the reset ends all sessions', async () => {
    const { login, accountId } = await account();
    const { refreshToken } = await logIn(login);
    const password = await identity.resetPassword(accountId, 'spec');
    expect(await identity.refresh(refreshToken)).toBeUndefined();
    tokensOf(await identity.logIn({ login, password: password ?? '', address: address() }));
    expect(await identity.resetPassword(randomUUID(), 'spec')).toBeUndefined();
  });

  // ASVS 5.0: 6.4.1
  it('that was generated is refused a week later, unless its owner has set another', async () => {
    const reset = async () => {
      const { login, accountId } = await account();
      const password = (await identity.resetPassword(accountId, 'spec')) ?? '';
      return { login, accountId, password, address: address() };
    };
    const [left, replaced] = [await reset(), await reset()];
    tokensOf(await identity.logIn(left));
    const newPassword = 'another long password';
    const own = { newPassword, sessionId: null, address: address() };
    await identity.changePassword(replaced.accountId, { password: replaced.password, ...own });
    await primaries[0]?.ask(
      `UPDATE identity.account SET password_expires_at = password_expires_at - interval '7 days'`,
      [],
    );
    expect(await identity.logIn(left)).toEqual({ type: 'wrong' });
    tokensOf(await identity.logIn({ ...replaced, password: newPassword }));
    tokensOf(await identity.logIn({ ...left, password: (await identity.resetPassword(left.accountId, 'spec')) ?? '' }));
  });
});

describe('sessions', () => {
  // ASVS 5.0: 7.1.2
  it('are at most 20 of an account: a further log-in ends the oldest', async () => {
    const { login, accountId } = await account();
    const begun: string[] = [];
    for (let n = 0; n < 22; n += 1) begun.push((await logIn(login)).sessionId);
    const live = (await identity.sessions(accountId)).map(({ sessionId }) => sessionId);
    expect(live.sort()).toEqual(begun.slice(2).sort());
  });
});

describe('accounts', () => {
  it('have one log-in name each, in any case', async () => {
    const { login } = await account();
    const standing = { role: 'manager' as const, branchId: null, customerId: null, scopes: [] };
    expect(await identity.addAccount({ login: login.toUpperCase(), ...standing }, 'spec')).toEqual({ type: 'taken' });
  });

  it('are never changed to an invalid combination of role, branch and scopes', async () => {
    const { accountId } = await account('cashier', 'sucursal-1');
    expect(await identity.changeAccount(accountId, { role: 'manager' }, 'spec')).toMatchObject({
      type: 'bad-standing',
      violations: [{ at: '/branchId' }],
    });
    expect(await identity.changeAccount(randomUUID(), { isDisabled: true }, 'spec')).toEqual({ type: 'unknown' });
  });

  it('can log in again after they are enabled', async () => {
    const { login, accountId } = await account();
    await identity.changeAccount(accountId, { isDisabled: true }, 'spec');
    await identity.changeAccount(accountId, { isDisabled: false }, 'spec');
    await logIn(login);
  });
});

it('removes ended sessions and old attempts, and no others', async () => {
  const { login, accountId } = await account();
  const { sessionId } = await logIn(login);
  const old = await logIn(login);
  await group.asSuperuser(`UPDATE identity.session SET idle_until = now() - interval '3 days' WHERE session_id = $1`, [
    old.sessionId,
  ]);
  await identity.logIn({ login, password: 'a wrong guess', address: address() });
  await group.asSuperuser(`UPDATE identity.attempt SET last_at = now() - interval '1 hour'`);
  await store.removeOld();
  expect(await group.asSuperuser('SELECT FROM identity.attempt')).toEqual([]);
  const rows = await group.asSuperuser('SELECT session_id FROM identity.session WHERE account_id = $1', [accountId]);
  expect(rows).toEqual([{ session_id: sessionId }]);
});

// ASVS 5.0: 16.3.1
it('leaves an audit trail of ids, without a name, a password or a token', async () => {
  const { login, accountId } = await account();
  lines.length = 0;
  const { accessToken, refreshToken, sessionId } = await logIn(login);
  await identity.logIn({ login, password: 'a wrong guess', address: address() });
  await identity.changeAccount(accountId, { role: 'administrator' }, 'the-administrator');
  await identity.logOut(refreshToken, { everywhere: false });
  expect(lines.map(({ text }) => text)).toEqual([
    'logged in',
    'log-in refused',
    'account changed; its sessions have ended',
    'logged out',
  ]);
  const text = JSON.stringify(lines);
  for (const shown of [accountId, sessionId, 'the-administrator']) expect(text).toContain(shown);
  for (const hidden of [login, PASSWORD, 'a wrong guess', accessToken, refreshToken])
    expect(text).not.toContain(hidden);
});

it('reports that the account store is away, works again when it is back, and keeps known revocations', async () => {
  const { login } = await account();
  const { refreshToken, accessToken } = await logIn(login);
  const kept = await logIn(login);
  await identity.logOut(kept.refreshToken, { everywhere: false });
  await eventually('the revocation is known', () => revoked.has(kept.sessionId));
  for (const server of group.servers) await server.stop();
  await expect(identity.refresh(refreshToken)).rejects.toThrow(IdentityUnavailableError);
  await expect(identity.logIn({ login, password: PASSWORD, address: address() })).rejects.toThrow(
    IdentityUnavailableError,
  );
  expect((await verifier.verify(accessToken)).type).toBe('current');
  expect((await verifier.verify(kept.accessToken)).type).toBe('refused');
  for (const server of group.servers) await server.start();
  await eventually('refresh works again', async () => tokensOf(await identity.refresh(refreshToken)));
});
