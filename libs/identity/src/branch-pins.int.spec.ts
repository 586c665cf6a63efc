import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AUDIENCE, createTokenSecrets, idKeyOf, TokenSigner, TokenVerifier, type TokenSecrets } from '@eco/access';
import type { Log } from '@eco/base';
import { eventually, startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { branchAudience, BranchPins } from './branch-pins.js';
import { Identity } from './identity.js';
import { IdentityStore } from './identity-store.js';
import { PinStore } from './pin-store.js';
import { PrimaryConnection } from './primary-connection.js';

/* PINs are set at Central, and a branch reads them from a real database. The database is stopped in the last test. */

const dir = mkdtempSync(path.join(tmpdir(), 'eco-pins-'));
const file = path.join(dir, 'pins.json');
const nothing = () => undefined;
const log: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, isLevelEnabled: () => false };

let group: DatabaseGroup;
let primary: PrimaryConnection;
let identity: Identity;
let secrets: TokenSecrets;
let asPins: PrimaryConnection;
let nowMs = Date.now();
const opened: BranchPins[] = [];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const [{ host, port }] = group.servers as [DatabaseGroup['servers'][number]];
  secrets = await createTokenSecrets();
  primary = new PrimaryConnection({
    nodes: () => [{ node: { host, port }, role: 'primary' }],
    password: group.login('eco_identity').password,
    applicationName: 'spec',
  });
  identity = new Identity({
    store: new IdentityStore(primary),
    signer: new TokenSigner(secrets),
    idKeysOf: (id) => [idKeyOf(id, secrets.idKeyMaster)],
    log,
  });
  asPins = new PrimaryConnection({
    nodes: () => [{ node: { host, port }, role: 'primary' }],
    ...group.login('eco_pins'),
    user: 'eco_pins',
    applicationName: 'spec',
  });
}, 120_000);
afterAll(async () => {
  for (const pins of opened) await pins.stop();
  asPins?.close();
  primary?.close();
  await group?.stop();
  rmSync(dir, { recursive: true });
});

const PASSWORD = 'a long password';

/** A cashier with a PIN. */
async function cashier(branchId: string, pin: string) {
  const login = `user-${randomUUID().slice(0, 8)}`;
  const standing = { role: 'cashier' as const, branchId, customerId: null, scopes: [] };
  const added = await identity.addAccount({ login, password: PASSWORD, ...standing }, 'spec');
  if (added.type !== 'added') throw new Error(added.type);
  const { accountId } = added.account;
  expect(await identity.setPin(accountId, { password: PASSWORD, pin, address: 'here' })).toBe('changed');
  return { login, accountId };
}

/** Opens the branch. Resolves when it has read the PINs that are set. */
async function open(branchId: string, pinsFile = file): Promise<BranchPins> {
  const readPins = () => new PinStore(asPins).ofBranch(branchId);
  const pins = await BranchPins.open({ branchId, file: pinsFile, readPins, log, now: () => nowMs });
  opened.push(pins);
  await pins.start();
  return pins;
}

function verifierOf(pins: BranchPins, branchId: string): TokenVerifier {
  return new TokenVerifier({
    secrets: { ...secrets, keys: [...secrets.keys, pins.publicKey] },
    audiences: [AUDIENCE, branchAudience(branchId)],
    graceSeconds: 0,
  });
}

async function tokenOf(pins: BranchPins, login: string, pin: string): Promise<string> {
  const result = await pins.logIn(login, pin);
  if ('type' in result) throw new Error(result.type);
  return result.accessToken;
}

it('logs in staff of the branch, with the same id key as in Central’s tokens', async () => {
  const { login, accountId } = await cashier('b-1', '493817');
  const pins = await open('b-1');
  const token = await tokenOf(pins, login.toUpperCase(), '493817');
  const verified = await verifierOf(pins, 'b-1').verify(token);
  expect(verified).toMatchObject({
    type: 'current',
    principal: { id: accountId, role: 'cashier', branchId: 'b-1' },
  });
  const idKey = verified.type === 'current' && verified.principal.idKey.export();
  expect(idKey).toEqual(idKeyOf(accountId, secrets.idKeyMaster));
});

it('makes tokens that no other process accepts', async () => {
  const { login } = await cashier('b-2', '493817');
  const [pins, other] = [await open('b-2', path.join(dir, '2.json')), await open('b-2', path.join(dir, '2b.json'))];
  const token = await tokenOf(pins, login, '493817');
  expect((await verifierOf(other, 'b-2').verify(token)).type).toBe('refused');
  expect((await new TokenVerifier({ secrets, graceSeconds: 0 }).verify(token)).type).toBe('refused');
});

it('refuses a wrong PIN, an unknown account and staff of another branch alike', async () => {
  const mine = await cashier('b-3', '493817');
  const another = await cashier('b-4', '493817');
  const pins = await open('b-3', path.join(dir, '3.json'));
  for (const [login, pin] of [
    [mine.login, '493818'],
    [another.login, '493817'],
    ['nobody', '493817'],
  ] as const) {
    expect(await pins.logIn(login, pin)).toEqual({ type: 'wrong' });
  }
  expect(readFileSync(path.join(dir, '3.json'), 'utf8')).not.toContain(another.accountId);
});

// ASVS 5.0: 6.3.1
it('refuses even the right PIN after 5 wrong ones, until they are older than 15 minutes', async () => {
  const { login } = await cashier('b-5', '493817');
  const pins = await open('b-5', path.join(dir, '5.json'));
  const guesses = await Promise.all(Array.from({ length: 7 }, () => pins.logIn(login, '111112')));
  expect(guesses.filter((each) => 'type' in each && each.type === 'wrong')).toHaveLength(5);
  expect(await pins.logIn(login, '493817')).toMatchObject({ type: 'too-many' });
  nowMs += 15 * 60_000;
  await tokenOf(pins, login, '493817');
});

it('ends the sessions of an account that is disabled or moved to another branch', async () => {
  const { login, accountId } = await cashier('b-6', '493817');
  const pins = await open('b-6', path.join(dir, '6.json'));
  const verified = await verifierOf(pins, 'b-6').verify(await tokenOf(pins, login, '493817'));
  const sessionId = 'principal' in verified ? (verified.principal.sessionId ?? '') : '';
  expect(pins.hasEnded(sessionId)).toBe(false);
  await identity.changeAccount(accountId, { isDisabled: true }, 'spec');
  await eventually('the branch knows', () => pins.hasEnded(sessionId));
  expect(await pins.logIn(login, '493817')).toEqual({ type: 'wrong' });
});

// ASVS 5.0: 7.5.1
it('sets no PIN without the password or for an account without a branch', async () => {
  const { accountId } = await cashier('b-7', '493817');
  const change = { pin: '593817', address: randomUUID() };
  expect(await identity.setPin(accountId, { password: 'a wrong guess', ...change })).toEqual({ type: 'wrong' });
  const standing = { role: 'manager' as const, branchId: null, customerId: null, scopes: [] };
  const manager = await identity.addAccount({ login: 'head', password: PASSWORD, ...standing }, 'spec');
  if (manager.type !== 'added') throw new Error(manager.type);
  expect(await identity.setPin(manager.account.accountId, { password: PASSWORD, ...change })).toEqual({
    type: 'wrong',
  });
});

it('works on after a restart while the database is away, from a file that only its owner can read', async () => {
  const { login } = await cashier('b-8', '493817');
  const own = path.join(dir, '8.json');
  await open('b-8', own);
  expect(statSync(own).mode & 0o777).toBe(0o600);
  expect(readFileSync(own, 'utf8')).not.toContain('493817');
  for (const server of group.servers) await server.stop();
  await tokenOf(await open('b-8', own), login, '493817');
});
