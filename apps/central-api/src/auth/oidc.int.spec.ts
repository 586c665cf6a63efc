import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Configuration } from 'oidc-provider';
import { anonymousClientOf, startTestCluster, type Answered, type TestCluster } from '@eco/testing';

/*
 * The head office with an identity provider: a certified OpenID Connect server on the loopback address. A person logs in
 * there by the authorization-code flow with PKCE, as a browser does.
 */

const AUDIENCE = 'https://ecomarket.example';
const OTHER_AUDIENCE = 'https://other.example';
const CALLBACK = 'http://127.0.0.1/callback';

const people: Readonly<Record<string, readonly string[]>> = {
  berta: ['eco-buyers', 'staff'],
  carlos: ['eco-admins'],
  dora: ['staff'],
};

const configuration: Configuration = {
  clients: [
    {
      client_id: 'office',
      redirect_uris: [CALLBACK],
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
  ],
  findAccount: (_context, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  extraTokenClaims: (_context, token) => ({ roles: 'accountId' in token ? people[token.accountId ?? ''] : [] }),
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, audience) => ({
        ...{ scope: 'eco', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600 },
      }),
    },
  },
};

/** The provider, which logs in the person of `login_hint` without asking. */
class IdentityProvider {
  readonly #server: Server;
  readonly url: string;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<IdentityProvider> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const started = new IdentityProvider(server);
    const provider = new Provider(started.url, configuration);
    const respond = provider.callback();
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const isInteraction = request.url?.startsWith('/interaction/') === true;
      void (isInteraction ? interact(provider, request, response) : respond(request, response));
    });
    return started;
  }

  /** The tokens of a person who logs in for this audience. */
  async logIn(person: string, audience = AUDIENCE): Promise<{ access_token: string; id_token: string }> {
    const verifier = randomBytes(32).toString('base64url');
    const query = new URLSearchParams({
      ...{
        client_id: 'office',
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: 'openid eco',
        state: randomUUID(),
      },
      ...{ resource: audience, login_hint: person, code_challenge_method: 'S256' },
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    });
    const code = (await this.#follow(`${this.url}/auth?${query.toString()}`)).searchParams.get('code') ?? '';
    const answer = await fetch(`${this.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', client_id: 'office', redirect_uri: CALLBACK },
        ...{ code, code_verifier: verifier, resource: audience },
      }),
    });
    const text = await answer.text();
    expect([answer.status, text]).toEqual([200, expect.stringContaining('access_token') as unknown]);
    return JSON.parse(text) as { access_token: string; id_token: string };
  }

  /** Follows redirects with cookies, up to the client's callback. */
  async #follow(start: string): Promise<URL> {
    const cookies = new Map<string, string>();
    let url = new URL(start);
    for (let n = 0; n < 10 && !url.href.startsWith(CALLBACK); n += 1) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const answer = await fetch(url, { redirect: 'manual', headers: { cookie } });
      for (const set of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
        cookies.set(name, value);
      }
      const location = answer.headers.get('location');
      if (location === null) throw new Error(`${url.pathname}: ${answer.status} ${await answer.text()}`);
      url = new URL(location, url);
    }
    return url;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: String(params['login_hint']) } });
  }
  const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
  grant.addOIDCScope('openid');
  grant.addResourceScope(String(params['resource']), 'eco');
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

let provider: IdentityProvider;
let stranger: IdentityProvider;
let cluster: TestCluster;
const urls: Record<string, string> = {};
const clientOf = (name: string) => anonymousClientOf(() => urls[name] ?? '');
const central = clientOf('central-api');
const read = clientOf('read-service');
const sucursal = clientOf('sucursal-api');

beforeAll(async () => {
  // The provider warns that it keeps everything in memory.
  for (const level of ['info', 'warn'] as const) jest.spyOn(console, level).mockImplementation();
  provider = await IdentityProvider.start();
  stranger = await IdentityProvider.start();
  // Services take settings from the environment of the process that starts the cluster.
  process.env['ECO_OIDC_ISSUER'] = provider.url;
  process.env['ECO_OIDC_AUDIENCE'] = AUDIENCE;
  process.env['ECO_OIDC_ROLES'] = 'eco-admins=administrator,eco-buyers=manager';
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 0 }], writersPerGroup: 1 });
  for (const { name, url } of cluster.services) urls[name] = url;
}, 180_000);
afterAll(async () => {
  await cluster?.destroy();
  await provider?.stop();
  await stranger?.stop();
  for (const name of ['ISSUER', 'AUDIENCE', 'ROLES']) delete process.env[`ECO_OIDC_${name}`];
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const problemOf = ({ status, body }: Answered) => [status, String(body['type']).replace('urn:ecomarket:problem:', '')];
const orders = '/orders?branchId=central';

describe('a person of the identity provider', () => {
  it('does at Central and the read-service what the role of the group may do, and no more', async () => {
    const { access_token: manager } = await provider.logIn('berta');
    const product = { productId: `p-${randomUUID()}`, name: 'Pan', priceCents: 100, stock: 5 };
    const keyed = { ...bearer(manager), 'idempotency-key': randomUUID(), prefer: 'wait=30' };
    const created = await central('POST', '/products', product, keyed);
    expect(created.status).toBe(201);
    expect((await central('POST', '/products', product, keyed)).headers.get('idempotent-replayed')).toBe('true');
    expect((await central('GET', orders, undefined, bearer(manager))).status).toBe(200);
    expect((await read('GET', orders, undefined, bearer(manager))).status).toBe(200);
    expect(problemOf(await central('GET', '/accounts', undefined, bearer(manager)))).toEqual([403, 'forbidden']);

    const { access_token: administrator } = await provider.logIn('carlos');
    expect((await central('GET', '/accounts', undefined, bearer(administrator))).status).toBe(200);
    expect(problemOf(await central('POST', '/products', product, bearer(administrator)))).toEqual([403, 'forbidden']);
  });

  it('is refused without a group that has a role, also where everybody may read', async () => {
    const { access_token: token } = await provider.logIn('dora');
    for (const path of [orders, '/products']) {
      expect(problemOf(await central('GET', path, undefined, bearer(token)))).toEqual([403, 'forbidden']);
    }
  });

  it('is unknown at a branch', async () => {
    const { access_token: token } = await provider.logIn('berta');
    expect(problemOf(await sucursal('GET', '/products', undefined, bearer(token)))).toEqual([401, 'unauthenticated']);
  });

  it.each<[string, () => Promise<string>]>([
    ['a token for another audience', async () => (await provider.logIn('berta', OTHER_AUDIENCE)).access_token],
    ['a token of another provider', async () => (await stranger.logIn('berta')).access_token],
    ['an ID token, which is for the client', async () => (await provider.logIn('berta')).id_token],
  ])('is refused with %s', async (_, make) => {
    const answer = await central('GET', orders, undefined, bearer(await make()));
    expect(problemOf(answer)).toEqual([401, 'unauthenticated']);
  });

  // ASVS 5.0: 7.6.1
  it('goes on while the provider is away, and so do people of Central', async () => {
    const { access_token: known } = await provider.logIn('berta');
    const { access_token: unseen } = await provider.logIn('carlos');
    expect((await central('GET', orders, undefined, bearer(known))).status).toBe(200);
    await provider.stop();
    expect((await central('GET', orders, undefined, bearer(known))).status).toBe(200);
    expect((await central('GET', '/accounts', undefined, bearer(unseen))).status).toBe(200);
    const { user: login = '', password = '' } = cluster.firstAdministrator ?? {};
    const { body } = await central('POST', '/auth/login', { login, password });
    expect((await central('GET', '/accounts', undefined, bearer(String(body['accessToken'])))).status).toBe(200);
  });
});
