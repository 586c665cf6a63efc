import { randomUUID } from 'node:crypto';
import { createTokenSecrets, TokenSigner } from '@eco/access';
import type { Log } from '@eco/base';
import { startDatabaseGroup, type DatabaseGroup } from '@eco/testing';
import { ATTEMPTS_MAX } from './attempts.js';
import { CustomerAccounts } from './customer-accounts.js';
import { Identity } from './identity.js';
import { IdentityStore } from './identity-store.js';
import { MailStore } from './mail-store.js';
import { PrimaryConnection } from './primary-connection.js';

/*
 * Sign-up and password reset on a real primary. The spec takes the part of the mailer: it claims mails and reads their
 * codes.
 */

let group: DatabaseGroup;
let primary: PrimaryConnection;
let mails: MailStore;
let customers: CustomerAccounts;
let identity: Identity;
const lines: object[] = [];

beforeAll(async () => {
  group = await startDatabaseGroup({ replicas: 0 });
  const [server] = group.servers as [DatabaseGroup['servers'][number]];
  const note = (fields: object, text: string) => void lines.push({ ...fields, text });
  const log: Log = { debug: note, info: note, warn: note, error: note, isLevelEnabled: () => true };
  primary = new PrimaryConnection({
    nodes: () => [{ node: { host: server.host, port: server.port }, role: 'primary' }],
    password: group.login('eco_identity').password,
    applicationName: 'spec',
  });
  const store = new IdentityStore(primary);
  mails = new MailStore(primary);
  customers = new CustomerAccounts({ store, mails, log });
  identity = new Identity({
    store,
    signer: new TokenSigner(await createTokenSecrets()),
    idKeysOf: () => [Buffer.alloc(16)],
    log,
  });
}, 120_000);
afterAll(async () => {
  primary?.close();
  await group?.stop();
});

const PASSWORD = 'a long password';
const newEmail = () => `ana-${randomUUID()}@example.com`;
const address = () => randomUUID();

/** The mails that are due for this address, each with a new code. */
async function mailsTo(email: string) {
  const due = await mails.claim(1_000);
  return Promise.all(
    due
      .filter((mail) => mail.email === email)
      .map(async ({ mailId, purpose }) => ({ mailId, purpose, code: await mails.newCode(mailId) })),
  );
}

/** Code of the one mail that is due for this address. */
async function codeTo(email: string): Promise<string> {
  const [mail, ...more] = await mailsTo(email);
  expect(more).toEqual([]);
  return mail?.code ?? '';
}

/** Signs up, and returns the customer id. */
async function signedUp(email: string): Promise<string> {
  await customers.requestSignUp(email, address());
  const mail = await customers.findSignUp(await codeTo(email));
  if (mail === undefined) throw new Error('there is no sign-up');
  expect(await customers.completeSignUp(mail, PASSWORD)).toBe(true);
  return mail.mailId;
}

const logIn = (email: string, password: string) => identity.logIn({ login: email, password, address: address() });

it('makes an account for an address whose mail was read, and stores the address as a hash only', async () => {
  const email = newEmail();
  const customerId = await signedUp(email.toUpperCase().replace('EXAMPLE.COM', 'example.com'));
  expect(await logIn(email, PASSWORD)).toMatchObject({ account: { role: 'customer', customerId, login: null } });
  const rows = await group.asSuperuser<{ all: string }>(
    `SELECT string_agg(t::text, ' ') AS all FROM (
       SELECT a::text AS t FROM identity.account a UNION ALL SELECT m::text FROM identity.mail m) x`,
  );
  expect(rows[0]?.all.toLowerCase()).not.toContain(email);
  expect(JSON.stringify(lines).toLowerCase()).not.toContain(email);
});

it('accepts each code once, and both codes of a mail that was sent twice', async () => {
  const email = newEmail();
  await customers.requestSignUp(email, address());
  const [mail] = await mailsTo(email);
  const [first = '', second = ''] = [mail?.code, await mails.newCode(mail?.mailId ?? '')];
  expect(first).not.toBe(second);
  const found = await customers.findSignUp(first);
  expect(await customers.findSignUp(second)).toEqual(found);
  if (found === undefined) throw new Error('there is no sign-up');
  const used = await Promise.all([1, 2, 3].map(() => customers.completeSignUp(found, PASSWORD)));
  expect(used.filter(Boolean)).toHaveLength(1);
  expect(await customers.findSignUp(first)).toBeUndefined();
});

it('lets only the owner of an address learn, by mail, that it has an account', async () => {
  const email = newEmail();
  await signedUp(email);
  expect(await customers.requestSignUp(email, address())).toBeUndefined();
  const [mail] = await mailsTo(email);
  expect(mail?.purpose).toBe('address-in-use');
  expect(await customers.findSignUp(mail?.code ?? '')).toBeUndefined();
  expect(await customers.requestReset(newEmail(), address())).toBeUndefined();
  expect(await customers.requestSignUp(newEmail(), address())).toBeUndefined();
});

// ASVS 5.0: 6.4.3
it('sets another password with the code of a reset, and ends all sessions', async () => {
  const email = newEmail();
  await signedUp(email);
  const before = await logIn(email, PASSWORD);
  await customers.requestReset(email, address());
  const code = await codeTo(email);
  expect(await customers.findSignUp(code)).toBeUndefined();
  expect(await customers.resetPassword(code, 'quite another password')).toBe(true);
  expect(await customers.resetPassword(code, 'and one more password')).toBe(false);
  expect(await identity.refresh('refreshToken' in before ? before.refreshToken : '')).toBeUndefined();
  expect(await logIn(email, PASSWORD)).toEqual({ type: 'wrong' });
  expect(await logIn(email, 'quite another password')).toMatchObject({ account: { role: 'customer' } });
});

it('sends no mail for a reset of an unknown address, of staff or of a disabled customer', async () => {
  const [stranger, staff, disabled] = [newEmail(), newEmail(), newEmail()];
  await identity.addAccount(
    { login: staff, password: PASSWORD, role: 'manager', branchId: null, customerId: null, scopes: [] },
    'spec',
  );
  await signedUp(disabled);
  const session = await logIn(disabled, PASSWORD);
  if ('type' in session) throw new Error(session.type);
  await identity.changeAccount(session.account.accountId, { isDisabled: true }, 'spec');
  for (const email of [stranger, staff, disabled]) {
    expect(await customers.requestReset(email, address())).toBeUndefined();
    expect(await mailsTo(email)).toEqual([]);
  }
});

it.each(['', 'x', `${'A'.repeat(22)}.${'B'.repeat(43)}`])('does not accept %j as a code', async (code) => {
  expect(await customers.findSignUp(code)).toBeUndefined();
  expect(await customers.resetPassword(code, PASSWORD)).toBe(false);
});

it('accepts no expired code, and removes its address', async () => {
  const email = newEmail();
  await customers.requestSignUp(email, address());
  const code = await codeTo(email);
  await group.asSuperuser(`UPDATE identity.mail SET expires_at = now() WHERE email = $1`, [email]);
  expect(await customers.findSignUp(code)).toBeUndefined();
  await mails.removeExpired();
  expect(await group.asSuperuser('SELECT FROM identity.mail WHERE email = $1', [email])).toEqual([]);
});

it('sends at most 3 mails to one address in the window, however many addresses ask for them', async () => {
  const email = newEmail();
  for (let turn = 0; turn < ATTEMPTS_MAX.mailsTo + 3; turn += 1) {
    expect(await customers.requestSignUp(email, address())).toBeUndefined();
  }
  expect(await mailsTo(email)).toHaveLength(ATTEMPTS_MAX.mailsTo);
});

it('refuses a network address that asks for many mails', async () => {
  const from = address();
  const answers = [];
  for (let turn = 0; turn < ATTEMPTS_MAX.mailsFrom + 1; turn += 1) {
    answers.push(await customers.requestSignUp(newEmail(), from));
  }
  expect(answers.filter((answer) => answer === undefined)).toHaveLength(ATTEMPTS_MAX.mailsFrom);
  expect(answers.at(-1)).toEqual({ type: 'too-many', retryAfterMs: expect.any(Number) as number });
});

it('claims a mail for one process, and again only when it failed or the claim is old', async () => {
  const email = newEmail();
  await customers.requestSignUp(email, address());
  const both = (await Promise.all([mails.claim(1_000), mails.claim(1_000)])).flat();
  const [mail, ...more] = both.filter((each) => each.email === email);
  expect(more).toEqual([]);
  expect(await mailsTo(email)).toEqual([]);
  await mails.noteFailed(mail?.mailId ?? '', 0);
  expect(await mails.claim(1_000)).toContainEqual({ ...mail, tries: 1 });
  await mails.noteSent(mail?.mailId ?? '', true);
  expect(await mailsTo(email)).toEqual([]);
});
