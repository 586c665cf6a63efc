import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { SMTPServer } from 'smtp-server';
import { BrokerConnection } from '@eco/broker';
import { SideConnection } from '@eco/postgres';
import { anonymousClientOf, eventually, startTestCluster, type Answered, type TestCluster } from '@eco/testing';

/*
 * Log-in, accounts and sign-up at the built Central, with the built branch next to it, and a mail server that keeps its
 * mails.
 */

interface Mail {
  readonly to: string;
  readonly text: string;
}

let cluster: TestCluster;
let mailServer: SMTPServer;
let administrator: Tokens;
const mails: Mail[] = [];
const urls: Record<string, string> = {};

beforeAll(async () => {
  mailServer = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        // A code is longer than a line of quoted-printable, so the line breaks are removed.
        const text = Buffer.concat(chunks).toString('utf8').replace(/=\r\n/g, '').replace(/=3D/g, '=');
        mails.push(...session.envelope.rcptTo.map(({ address: to }) => ({ to, text })));
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => mailServer.listen(0, '127.0.0.1', resolve));
  // Services take settings from the environment of the process that starts the cluster.
  process.env['ECO_SMTP_URL'] = `smtp://127.0.0.1:${(mailServer.server.address() as AddressInfo).port}`;
  cluster = await startTestCluster({
    brokers: 1,
    groups: [{ id: 'g1', replicas: 0 }],
    writersPerGroup: 1,
    // The last test looks for secrets in the logs.
    logLevel: 'trace',
  });
  for (const { name, url } of cluster.services) urls[name] = url;
  const { user, password } = cluster.firstAdministrator ?? { user: '', password: '' };
  administrator = await logIn(user, password);
}, 180_000);
afterAll(async () => {
  await cluster?.destroy();
  await new Promise<void>((resolve) => mailServer.close(() => resolve()));
  delete process.env['ECO_SMTP_URL'];
});

const central = noting(anonymousClientOf(() => urls['central-api'] ?? ''));
const sucursal = noting(anonymousClientOf(() => urls['sucursal-api'] ?? ''));

/** Every password, code and token that a request or a response of this suite contained. */
const secretsSeen = new Set<string>();

function noting(ask: ReturnType<typeof anonymousClientOf>): typeof ask {
  const note = (body: unknown) => {
    for (const [name, value] of Object.entries(body ?? {})) {
      // A shorter text, such as a PIN, may be part of any number in a log.
      const isSecret = /password|token$|secret|code|pin/i.test(name) && typeof value === 'string' && value.length > 8;
      if (isSecret) secretsSeen.add(value);
    }
  };
  return async (...request) => {
    note(request[2]);
    const response = await ask(...request);
    note(response.body);
    return response;
  };
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly sessionId: string;
}

const bearer = ({ accessToken }: Pick<Tokens, 'accessToken'>) => ({ authorization: `Bearer ${accessToken}` });
const problemOf = ({ status, body }: Answered) => [status, String(body['type']).replace('urn:ecomarket:problem:', '')];

/** The account store answers 503 while it has no connection to its database, and a client asks again. */
function answered(ask: () => ReturnType<typeof central>): ReturnType<typeof central> {
  return eventually('the account store answers', async () => {
    const answer = await ask();
    return answer.status !== 503 && answer;
  });
}

async function logIn(login: string, password: string): Promise<Tokens> {
  const { status, body } = await answered(() => central('POST', '/auth/login', { login, password }));
  expect([status, Object.keys(body).sort()]).toEqual([
    200,
    ['accessToken', 'accessTokenSeconds', 'refreshToken', 'sessionId'],
  ]);
  return body as unknown as Tokens;
}

const PASSWORD = 'a long password';

/** Adds an account with this role and the password above. `more` holds further fields, such as the branch. */
async function account(role: string, more: object = {}): Promise<{ login: string; accountId: string }> {
  // Another name at each try, because a try that was answered with 503 may have added the account.
  let login = '';
  const added = await answered(() => {
    login = `${role}-${randomUUID().slice(0, 8)}`;
    return central('POST', '/accounts', { login, role, password: PASSWORD, ...more }, bearer(administrator));
  });
  expect(added.status).toBe(201);
  return { login, accountId: added.body['accountId'] as string };
}

/** The newest code in a mail to this address. */
function codeTo(email: string): Promise<string> {
  return eventually(`a code in a mail to ${email}`, () => {
    const text = mails.filter(({ to }) => to === email).at(-1)?.text ?? '';
    return /^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/m.exec(text.replaceAll('\r', ''))?.[0];
  });
}

describe('the first administrator', () => {
  it('has a generated password that only the start of the cluster returned', async () => {
    const { body } = await central('GET', '/accounts', undefined, bearer(administrator));
    expect(body).toMatchObject({ items: [{ login: 'admin', role: 'administrator', isDisabled: false }], next: null });
  });

  it('adds, changes and disables accounts, and nobody else does', async () => {
    const { login, accountId } = await account('cashier', { branchId: 'sucursal-1' });
    const cashier = await logIn(login, PASSWORD);
    for (const [method, path, body] of [
      ['GET', '/accounts', undefined],
      ['POST', '/accounts', { login: 'more', role: 'administrator' }],
      ['PATCH', `/accounts/${accountId}`, { role: 'administrator' }],
      ['POST', `/accounts/${accountId}/password`, undefined],
    ] as const) {
      expect(problemOf(await central(method, path, body, bearer(cashier)))).toEqual([403, 'forbidden']);
      const json = { 'content-type': 'application/json' };
      expect(problemOf(await central(method, path, body, json))).toEqual([401, 'unauthenticated']);
    }
    const moved = await central('PATCH', `/accounts/${accountId}`, { branchId: 'sucursal-2' }, bearer(administrator));
    expect(moved).toMatchObject({ status: 200, body: { role: 'cashier', branchId: 'sucursal-2' } });
    expect(problemOf(await central('POST', '/auth/refresh', { refreshToken: cashier.refreshToken }))).toEqual([
      401,
      'session-ended',
    ]);
    await central('PATCH', `/accounts/${accountId}`, { isDisabled: true }, bearer(administrator));
    expect(problemOf(await central('POST', '/auth/login', { login, password: PASSWORD }))).toEqual([
      401,
      'log-in-refused',
    ]);
  });

  // ASVS 5.0: 6.2.1
  it('gets every violation of an invalid account, and the name that is taken', async () => {
    const add = (body: object) => central('POST', '/accounts', body, bearer(administrator));
    const refused = await add({ login: 'x y', role: 'customer', password: 'short' });
    expect(refused.status).toBe(400);
    expect((refused.body['faults'] as { at: string }[]).map(({ at }) => at).sort()).toEqual([
      '/login',
      '/password',
      '/role',
    ]);
    expect(await add({ login: 'another-cashier', role: 'cashier' })).toMatchObject({
      status: 400,
      body: { faults: [{ at: '/branchId' }] },
    });
    expect(problemOf(await add({ login: 'ADMIN', role: 'manager' }))).toEqual([409, 'account-exists']);
    const unknown = await central('PATCH', `/accounts/${randomUUID()}`, {}, bearer(administrator));
    expect(problemOf(unknown)).toEqual([404, 'account-unknown']);
  });

  it('sets a password that is shown once', async () => {
    const { login, accountId } = await account('manager');
    const { body } = await central('POST', `/accounts/${accountId}/password`, undefined, bearer(administrator));
    await logIn(login, body['password'] as string);
    expect(problemOf(await central('POST', '/auth/login', { login, password: PASSWORD }))[0]).toBe(401);
  });
});

describe('a session', () => {
  // ASVS 5.0: 7.4.1
  it('goes on with each refresh, and its tokens are refused at Central and at the branch after the log-out', async () => {
    const { login } = await account('cashier', { branchId: 'sucursal-1' });
    const first = await logIn(login, PASSWORD);
    const next = await central('POST', '/auth/refresh', { refreshToken: first.refreshToken });
    const tokens = next.body as unknown as Tokens;
    expect([next.status, tokens.sessionId]).toEqual([200, first.sessionId]);
    const read = (api: typeof central) => api('GET', '/orders?branchId=sucursal-1', undefined, bearer(tokens));
    expect([(await read(central)).status, (await read(sucursal)).status]).toEqual([200, 200]);
    expect((await central('POST', '/auth/logout', { refreshToken: tokens.refreshToken })).status).toBe(204);
    for (const api of [central, sucursal]) {
      await eventually('the token is refused', async () => (await read(api)).status === 401);
    }
    expect(problemOf(await central('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }))[0]).toBe(401);
  });

  // ASVS 5.0: 7.5.2, 10.4.9
  it('is listed to its owner, and the owner can end any of them', async () => {
    const { login } = await account('manager');
    const [one, two] = [await logIn(login, PASSWORD), await logIn(login, PASSWORD)];
    const { body } = await central('GET', '/auth/sessions', undefined, bearer(two));
    expect(body['items']).toMatchObject([
      { sessionId: two.sessionId, isCurrent: true },
      { sessionId: one.sessionId, isCurrent: false },
    ]);
    const end = (sessionId: string, password = PASSWORD) =>
      central('POST', `/auth/sessions/${sessionId}/end`, { password }, bearer(two));
    expect(problemOf(await end(one.sessionId, 'a wrong guess'))).toEqual([401, 'log-in-refused']);
    for (const sessionId of [one.sessionId, one.sessionId, administrator.sessionId]) {
      expect((await end(sessionId)).status).toBe(204);
    }
    const refresh = ({ refreshToken }: Tokens) => central('POST', '/auth/refresh', { refreshToken });
    expect((await refresh(one)).status).toBe(401);
    administrator = (await refresh(administrator)).body as unknown as Tokens;
  });

  // ASVS 5.0: 6.2.3
  it('goes on after a change of the password, and the other sessions end', async () => {
    const { login } = await account('manager');
    const [mine, other] = [await logIn(login, PASSWORD), await logIn(login, PASSWORD)];
    const change = (password: string) =>
      central('POST', '/auth/password', { password, newPassword: 'quite another password' }, bearer(mine));
    expect(problemOf(await change('a wrong guess'))).toEqual([401, 'log-in-refused']);
    expect((await change(PASSWORD)).status).toBe(204);
    const refresh = ({ refreshToken }: Tokens) => central('POST', '/auth/refresh', { refreshToken });
    expect([(await refresh(mine)).status, (await refresh(other)).status]).toEqual([200, 401]);
  });
});

describe('a program', () => {
  // ASVS 5.0: 10.4.10, 10.4.11
  it('gets a token by client credentials, with the fields of RFC 6749', async () => {
    const { login } = await account('integration', { scopes: ['events'] });
    const credentials = { grant_type: 'client_credentials', client_id: login, client_secret: PASSWORD };
    const { status, body } = await central('POST', '/auth/token', credentials);
    expect([status, body]).toEqual([
      200,
      { access_token: expect.any(String) as string, token_type: 'Bearer', expires_in: 900 },
    ]);
    const token = { accessToken: body['access_token'] as string };
    expect((await central('GET', '/accounts', undefined, bearer(token))).status).toBe(403);
    expect(problemOf(await central('POST', '/auth/token', { ...credentials, client_secret: 'wrong' }))).toEqual([
      401,
      'log-in-refused',
    ]);
  });
});

describe('a customer', () => {
  it('signs up by a code that arrives by mail, and gets a customer id from Central', async () => {
    const email = `Ana.${randomUUID()}@example.com`;
    expect((await central('POST', '/auth/sign-up', { email })).status).toBe(202);
    const code = await codeTo(email);
    const confirm = () =>
      central('POST', '/auth/sign-up/confirm', { code, name: 'Ana', password: 'a password of Ana' });
    const confirmed = await confirm();
    expect(confirmed.status).toBe(201);
    const customerId = confirmed.body['customerId'] as string;
    expect(problemOf(await confirm())).toEqual([409, 'code-unknown']);
    const tokens = await logIn(email.toLowerCase(), 'a password of Ana');
    const own = await eventually('the customer can be read', async () => {
      const read = await central('GET', `/customers/${customerId}`, undefined, bearer(tokens));
      return read.status === 200 && read.body;
    });
    expect(own).toMatchObject({ customerId, name: 'Ana', email });
    // One welcome arrives, and it contains no text that a client chose.
    await eventually('the welcome', () => mails.filter(({ to }) => to === email).length === 2);
    for (const { text } of mails.filter(({ to }) => to === email))
      expect(text.split('\r\n\r\n')[1]).not.toContain('Ana');
  });

  it('with an account learns of it by mail only, and sets another password by mail', async () => {
    const email = `${randomUUID()}@example.com`;
    await central('POST', '/auth/sign-up', { email });
    const signUp = { code: await codeTo(email), name: 'Eva', password: PASSWORD };
    expect((await central('POST', '/auth/sign-up/confirm', signUp)).status).toBe(201);
    expect(await central('POST', '/auth/sign-up', { email })).toMatchObject({ status: 202, body: {} });
    await eventually('the notice', () => mails.some(({ to, text }) => to === email && text.includes('already')));
    for (const each of [email, `${randomUUID()}@example.com`]) {
      expect(await central('POST', '/auth/password-reset', { email: each })).toMatchObject({ status: 202, body: {} });
    }
    await eventually('the mail', () => mails.some(({ to, text }) => to === email && text.includes('one hour')));
    const reset = { code: await codeTo(email), password: 'quite another password' };
    expect((await central('POST', '/auth/password-reset/confirm', reset)).status).toBe(204);
    expect(problemOf(await central('POST', '/auth/password-reset/confirm', reset))).toEqual([409, 'code-unknown']);
    await logIn(email, 'quite another password');
  });
});

it('logs nobody out while the signing key is rotated', async () => {
  const { login } = await account('manager');
  const before = await logIn(login, PASSWORD);
  const keyOf = ({ accessToken }: Tokens) =>
    (JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid;
  const kid = /key (\S+);/.exec(await cluster.rotateSecret('signing-key'))?.[1];
  // Another account logs in again and again, because an account keeps its latest 20 sessions only.
  const other = await account('manager');
  const after = await eventually('Central signs with the new key', async () => {
    const tokens = await logIn(other.login, PASSWORD);
    return keyOf(tokens) === kid && tokens;
  });
  for (const api of [central, sucursal]) {
    for (const tokens of [before, after]) {
      expect((await api('GET', '/orders?branchId=sucursal-1', undefined, bearer(tokens))).status).toBe(200);
    }
  }
  const refreshed = await central('POST', '/auth/refresh', { refreshToken: before.refreshToken });
  expect([refreshed.status, keyOf(refreshed.body as unknown as Tokens)]).toEqual([200, kid]);
});

it('gives a request that is repeated after a rotation of the id keys its first outcome, at Central and at the branch', async () => {
  const { login } = await account('cashier', { branchId: 'sucursal-1' });
  const before = await logIn(login, PASSWORD);
  expect((await central('PUT', '/auth/pin', { password: PASSWORD, pin: '493817' }, bearer(before))).status).toBe(204);
  const claimsOf = ({ accessToken }: Pick<Tokens, 'accessToken'>) =>
    JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()) as { idk: string; idf?: string[] };
  const byPin = async () => (await sucursal('POST', '/auth/pin', { login, pin: '493817' })).body as unknown as Tokens;
  await eventually('the branch knows the PIN', async () => (await byPin()).accessToken !== undefined);
  const manager = await logIn((await account('manager')).login, PASSWORD);
  const product = { productId: login, name: 'P', priceCents: 100, stock: 10 };
  expect((await central('POST', '/products', product, bearer(manager))).status).toBe(201);
  const orderOf = (key: string, tokens: Pick<Tokens, 'accessToken'>, api = central, prefer = { prefer: 'wait=20' }) => {
    const body = { customerId: 'ana', lines: [{ productId: login, quantity: 1 }] };
    return api('POST', '/orders', body, { ...bearer(tokens), ...prefer, 'idempotency-key': `${login}-${key}` });
  };
  const first = await orderOf('before', before);
  expect(first.status).toBe(201);

  await cluster.rotateSecret('id-keys');
  // Another account logs in again and again, because an account keeps its latest 20 sessions only.
  const other = await account('manager');
  await eventually('tokens have new id keys', async () => {
    return claimsOf(await logIn(other.login, PASSWORD)).idf !== undefined;
  });
  const after = await logIn(login, PASSWORD);
  expect(claimsOf(after).idf).toEqual([claimsOf(before).idk]);
  const pin = await eventually('PINs have the new id keys', async () => {
    const tokens = await byPin();
    return claimsOf(tokens).idk === claimsOf(after).idk && tokens;
  });
  expect(claimsOf(pin).idf).toEqual([claimsOf(before).idk]);

  // A till that has not logged in again repeats an order of the new tokens, and the other way round.
  const second = await orderOf('after', after);
  for (const [key, expected] of [
    ['before', first],
    ['after', second],
  ] as const) {
    for (const [api, tokens] of [
      [central, before],
      [central, after],
      [sucursal, pin],
    ] as const) {
      const repeated = await orderOf(key, tokens, api);
      expect([repeated.status, repeated.body]).toEqual([201, expected.body]);
      expect(repeated.headers.get('idempotent-replayed')).toBe('true');
      expect(repeated.headers.get('location')).toBe(`/orders/${String(expected.body['orderId'])}`);
    }
  }
  // A client that does not wait gets an id of its own, under which it finds the order.
  const accepted = await orderOf('before', after, central, { prefer: 'respond-async' });
  expect(accepted.body['orderId']).not.toBe(first.body['orderId']);
  const found = await central('GET', accepted.headers.get('location') ?? '', undefined, bearer(after));
  expect([found.status, found.body]).toMatchObject([200, { orderId: first.body['orderId'] }]);
});

// ASVS 5.0: 13.3.2, 16.2.5
it('writes no secret into an argument, an environment or a log, at the most verbose level', async () => {
  const broker = cluster.brokers[0];
  const database = cluster.groups[0]?.nodes[0];
  if (broker === undefined || database === undefined) throw new Error('a server is missing');
  const secrets = new Set([...secretsStored(), ...secretsSeen]);
  await broker.control('set_log_level', 'debug');
  const superuser = new SideConnection(database, cluster.system.databaseLogin('postgres'), 'spec');
  for (const setting of [`log_min_messages = debug1`, `log_statement = 'all'`, `log_error_verbosity = terse`]) {
    await superuser.ask(`ALTER SYSTEM SET ${setting}`);
  }
  await superuser.ask('SELECT pg_reload_conf()');
  superuser.close();

  const wrong = 'a wrong password of a stranger';
  const { login } = await account('cashier', { branchId: 'sucursal-1' });
  const tokens = await logIn(login, PASSWORD);
  await central('POST', '/auth/login', { login, password: wrong });
  await central('PUT', '/auth/pin', { password: PASSWORD, pin: '493817264051' }, bearer(tokens));
  await eventually('the branch knows the PIN', async () => {
    return (await sucursal('POST', '/auth/pin', { login, pin: '493817264051' })).status === 200;
  });
  await central('POST', '/auth/refresh', { refreshToken: tokens.refreshToken });
  await central('POST', '/auth/refresh', { refreshToken: `${tokens.refreshToken}x` });
  await central('GET', '/orders', undefined, { authorization: `Bearer ${tokens.accessToken}x` });
  const order = { customerId: 'ana', lines: [{ productId: 'cafe-premium', quantity: 1 }] };
  for (const api of [central, sucursal]) {
    expect((await api('POST', '/orders', order, { ...bearer(tokens), prefer: 'wait=10' })).status).toBe(201);
  }
  const brokers = [{ host: broker.host, port: broker.amqpPort }];
  const stranger = new BrokerConnection({ access: { brokers, user: 'central', password: wrong }, name: 'spec' });
  stranger.start();
  await eventually('the broker refuses it', () => {
    return stranger.state.type === 'disconnected' && /ACCESS.REFUSED/.test(stranger.state.error ?? '');
  });
  await stranger.stop();
  const refused = new SideConnection(database, { user: 'eco_reader', password: wrong }, 'spec');
  await expect(refused.ask('SELECT 1', [], 10_000)).rejects.toThrow(/password authentication failed/);
  refused.close();
  for (const name of ['database/eco_reader', 'database/eco_identity', 'broker/central', 'broker/branch.sucursal-1']) {
    await cluster.rotateSecret(name);
  }
  await logIn(login, PASSWORD);

  for (const secret of [...secretsStored(), ...secretsSeen, wrong]) secrets.add(secret);
  expect(secrets.size).toBeGreaterThan(60);
  const logs = readdirSync(cluster.dataDir, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.log(\.\d+)?$/.test(name))
    .map((name) => path.join(cluster.dataDir, name));
  const pids = descendants();
  const texts = new Map(
    [...logs, ...pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`])].map((file) => [
      file,
      readOr('', file),
    ]),
  );
  for (const name of ['central-api.log', 'sucursal-api.log', 'shard-writer-1.log', 'g1-1.log', 'broker-1.log']) {
    expect([name, texts.get(path.join(cluster.dataDir, 'log', name))?.length]).toEqual([name, expect.any(Number)]);
    expect(texts.get(path.join(cluster.dataDir, 'log', name))).toMatch(name.startsWith('g1') ? /LOG:/ : /debug|trace/i);
  }
  expect(pids.length).toBeGreaterThan(15);
  const leaks = [...texts].flatMap(([file, text]) =>
    [...secrets].flatMap((secret) => {
      const at = text.indexOf(secret);
      return at < 0 ? [] : [`${file}: …${text.slice(Math.max(0, at - 60), at)}<secret>`];
    }),
  );
  expect(leaks).toEqual([]);
}, 180_000);

it('lets staff log in at the branch by PIN while Central and the database are away', async () => {
  const { login } = await account('cashier', { branchId: 'sucursal-1' });
  const tokens = await logIn(login, PASSWORD);
  expect((await central('PUT', '/auth/pin', { password: PASSWORD, pin: '493817' }, bearer(tokens))).status).toBe(204);
  const byPin = (pin: string) => sucursal('POST', '/auth/pin', { login, pin });
  await eventually('the branch knows the PIN', async () => (await byPin('493817')).status === 200);
  const service = cluster.services.find(({ name }) => name === 'central-api');
  const database = cluster.groups[0]?.nodes[0];
  await service?.stop();
  await database?.stop();
  try {
    expect(problemOf(await byPin('493818'))).toEqual([401, 'log-in-refused']);
    const { status, body } = await byPin('493817');
    expect(status).toBe(200);
    const sale = { customerId: 'ana', lines: [{ productId: 'cafe-premium', quantity: 1 }] };
    const placed = await sucursal('POST', '/orders', sale, bearer(body as unknown as Tokens));
    expect(placed.status).toBe(202);
  } finally {
    await database?.start();
    await service?.start();
  }
});

it('reports one clear problem for log-in and refresh without the account store, and tokens go on working', async () => {
  const { login } = await account('manager');
  const tokens = await logIn(login, PASSWORD);
  const database = cluster.groups[0]?.nodes[0];
  await database?.stop();
  try {
    for (const [path, body] of [
      ['/auth/login', { login, password: PASSWORD }],
      ['/auth/refresh', { refreshToken: tokens.refreshToken }],
      ['/auth/logout', { refreshToken: tokens.refreshToken }],
    ] as const) {
      const answer = await central('POST', path, body);
      expect([problemOf(answer), answer.headers.get('retry-after')]).toEqual([[503, 'log-in-unavailable'], '2']);
    }
    const order = { customerId: 'ana', lines: [{ productId: 'cafe-premium', quantity: 1 }] };
    expect((await central('POST', '/orders', order, bearer(tokens))).status).toBe(202);
  } finally {
    await database?.start();
  }
  await eventually('log-in works again', async () => {
    const { status } = await central('POST', '/auth/login', { login, password: PASSWORD });
    return status === 200;
  });
});

/** Ids of the processes that this one has started, directly or not. */
function descendants(): number[] {
  const parents = new Map<number, number>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const status = readOr('', `/proc/${pid}/stat`);
    parents.set(Number(pid), Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === process.pid || isOurs(parents.get(pid)));
  return [...parents.keys()].filter((pid) => pid !== process.pid && isOurs(pid));
}

/** Text of a file. A process and its files may be gone by now. */
function readOr(instead: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return instead;
  }
}

/** Every secret in the files of the installation. Public keys and names are no secrets. */
function secretsStored(): string[] {
  const dir = path.join(cluster.dataDir, 'secrets');
  const textsIn = (value: unknown): string[] => {
    if (typeof value === 'string') return [value];
    if (Array.isArray(value)) return value.flatMap(textsIn);
    return Object.entries(value ?? {}).flatMap(([name, each]) =>
      ['keys', 'user', 'kid', 'x', 'kty', 'crv', 'alg', 'use', 'branchId'].includes(name) ? [] : textsIn(each),
    );
  };
  const files = readdirSync(dir).filter((name) => name.endsWith('.json') && !name.includes('-pins'));
  return files.flatMap((name) => textsIn(JSON.parse(readFileSync(path.join(dir, name), 'utf8'))));
}
