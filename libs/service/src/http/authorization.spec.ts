import { Controller, Get, Module, Post } from '@nestjs/common';
import { z } from 'zod';
import { createBranchKey, OwnToken, publicKeyOf, type BranchKey } from '@eco/access';
import { customerIdSchema, customerPathSchema, headers, type Problem } from '@eco/contracts';
import { Callers, eventually, specTokens } from '@eco/testing';
import { createLog } from '../log.js';
import { createFrame, startService, type Service } from '../service.js';
import { Authorization } from './authorization.js';
import { Input, operation, type InputOf } from './operation.js';
import { Operation } from '../open-api/operation.decorator.js';

const answers = { 200: { description: 'Done' } };
const readOrder = operation({
  id: 'readOrder',
  summary: 'Orders of a customer',
  access: { customer: 'own customer', cashier: 'own branch', manager: 'any' },
  path: customerPathSchema,
  query: z.strictObject({ branchId: z.string().optional() }),
  answers,
});
const placeOrder = operation({
  id: 'placeOrder',
  summary: 'Place an order',
  access: { anonymous: 'guest', customer: 'own customer', manager: 'any', graceful: true },
  body: z.strictObject({ customerId: customerIdSchema, quantity: z.number() }),
  answers,
});

@Controller('orders')
class OrdersController {
  @Get(':customerId')
  @Operation(readOrder)
  read(@Input(readOrder) { path, query }: InputOf<typeof readOrder>) {
    return { ...path, ...query };
  }

  @Post()
  @Operation(placeOrder)
  place(@Input(placeOrder) { body }: InputOf<typeof placeOrder>) {
    return body;
  }
}

@Controller('plain')
class PlainController {
  @Get()
  plain() {
    return {};
  }
}

@Module({ controllers: [OrdersController] })
class TestModule {}

@Module({ controllers: [PlainController] })
class PlainModule {}

const callers = new Callers(() => specTokens);
const config = { name: 'test', host: '127.0.0.1', port: 0, logLevel: 'info' } as const;
const logged: string[] = [];
const frameOf = () => createFrame(config, createLog(config, { write: (line) => void logged.push(line) }));
let service: Service;
const ended = new Set<string>();

beforeAll(async () => {
  const authorization = new Authorization({
    secrets: await specTokens,
    graceSeconds: 60,
    branchId: 'sucursal-1',
    isRevoked: (sessionId) => ended.has(sessionId),
  });
  service = await startService(frameOf(), { module: TestModule, authorization });
});
afterAll(() => service.stop());

const ana = { id: 'c-1', role: 'customer', customerId: 'ana' } as const;
const cashier = { id: 'k-1', role: 'cashier', branchId: 'sucursal-1' } as const;
const manager = { id: 'm-1', role: 'manager' } as const;

type Grant = Parameters<Callers['as']>[0];

async function ask(path: string, grant?: Grant, body?: unknown, more: Record<string, string> = {}) {
  const response = await fetch(service.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(grant && (await callers.as(grant))),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const said = (await response.json()) as Problem & Record<string, unknown>;
  const faults = said.faults?.map(({ at }) => at);
  return { status: response.status, challenge: response.headers.get('www-authenticate'), said, faults };
}

describe('an operation', () => {
  it('without a policy does not compile', () => {
    // @ts-expect-error: `access` is missing.
    expect(operation({ id: 'x', summary: 'Open to everybody', answers })).toBeDefined();
  });

  it('with a policy for an unknown role or reach does not compile', () => {
    // @ts-expect-error: there is no such role.
    expect(operation({ id: 'x', summary: 'x', access: { owner: 'any' }, answers })).toBeDefined();
    // @ts-expect-error: a customer has no branch.
    expect(operation({ id: 'x', summary: 'x', access: { customer: 'own branch' }, answers })).toBeDefined();
  });
});

describe('a service', () => {
  // ASVS 5.0: 8.3.1
  it('does not start if a route states no access', async () => {
    const authorization = new Authorization({ secrets: await specTokens, graceSeconds: 0, branchId: null });
    await expect(startService(frameOf(), { module: PlainModule, authorization })).rejects.toThrow(
      'GET /plain does not state its access',
    );
  });

  it('does not start with an operation if it verifies no tokens', async () => {
    await expect(startService(frameOf(), { module: TestModule })).rejects.toThrow('this service verifies no tokens');
  });
});

describe('a request', () => {
  // ASVS 5.0: 7.2.1
  it('without a token is 401 with a challenge where a role is needed', async () => {
    const { status, challenge, said } = await ask('/orders/ana');
    expect([status, challenge, said.type]).toEqual([401, 'Bearer', 'urn:ecomarket:problem:unauthenticated']);
  });

  it.each(['Bearer', 'Bearer x', 'Bearer a b', 'Basic YTpi', 'x'])(
    'with the header “%s” is 401, also on a public route',
    async (authorization) => {
      const order = { quantity: 1 };
      const { status, challenge } = await ask('/orders', undefined, order, { authorization });
      expect([status, challenge]).toEqual([401, 'Bearer error="invalid_token"']);
    },
  );

  it('of a role that the operation does not name is 403', async () => {
    expect((await ask('/orders/ana', { id: 'o', role: 'operator' })).status).toBe(403);
    expect((await ask('/orders/ana', manager)).status).toBe(200);
  });

  it('of a person of another branch is 403 at the API of a branch', async () => {
    expect((await ask('/orders/ana', cashier)).status).toBe(200);
    const { status, said } = await ask('/orders/ana', { ...cashier, branchId: 'sucursal-2' });
    expect([status, said.detail]).toEqual([403, expect.stringContaining('sucursal-1')]);
  });

  // ASVS 5.0: 16.2.1, 16.3.2
  it('is logged with the principal, also when it is refused', async () => {
    const lineOf = (url: string) => logged.find((line) => line.includes(`"url":"${url}"`));
    await ask('/orders/logged', { id: 'o-7', role: 'operator' });
    await ask('/orders/logged-too', manager);
    await eventually(
      'both are logged',
      () => lineOf('/orders/logged') !== undefined && lineOf('/orders/logged-too') !== undefined,
    );
    expect(lineOf('/orders/logged')).toMatch(/"principal":"o-7","status":403/);
    expect(lineOf('/orders/logged-too')).toMatch(/"principal":"m-1","status":200/);
    expect(logged.join()).not.toContain('Bearer');
  });

  it('of a session that has ended is 401 at once', async () => {
    const grant = { ...ana, sessionId: 's-1' };
    expect((await ask('/orders/ana', grant)).status).toBe(200);
    ended.add('s-1');
    expect((await ask('/orders/ana', grant)).status).toBe(401);
  });

  it('gets the customer and the branch of the token', async () => {
    expect((await ask('/orders', ana, { quantity: 1 })).said).toEqual({ customerId: 'ana', quantity: 1 });
    expect((await ask('/orders/ana', cashier)).said).toEqual({ customerId: 'ana', branchId: 'sucursal-1' });
    expect((await ask('/orders/ana', manager)).said).toEqual({ customerId: 'ana' });
  });

  it('that names another customer or branch is 403, with the field', async () => {
    expect(await ask('/orders/eva', ana)).toMatchObject({ status: 403, faults: ['path.customerId'] });
    expect(await ask('/orders', ana, { customerId: 'eva', quantity: 1 })).toMatchObject({
      status: 403,
      faults: ['/customerId'],
    });
    expect(await ask('/orders/ana?branchId=sucursal-2', cashier)).toMatchObject({
      status: 403,
      faults: ['query.branchId'],
    });
  });

  it('of the head office must name the customer, because the token names none', async () => {
    expect(await ask('/orders', manager, { quantity: 1 })).toMatchObject({ status: 400, faults: ['/customerId'] });
  });

  it('of a guest gets a made-up customer, and may name none', async () => {
    const first = await ask('/orders', undefined, { quantity: 1 }, { 'idempotency-key': 'k-1' });
    const again = await ask('/orders', undefined, { quantity: 1 }, { 'idempotency-key': 'k-1' });
    expect(first.said['customerId']).toMatch(/^guest:[\w-]{22}$/);
    expect(again.said).toEqual(first.said);
    expect((await ask('/orders', undefined, { customerId: 'ana', quantity: 1 })).status).toBe(403);
  });

  it('is checked in this order: token, role, input, objects', async () => {
    const bad = { customerId: 'eva', quantity: 'many' };
    expect((await ask('/orders', { id: 'o', role: 'operator' }, '{"not json')).status).toBe(403);
    expect((await ask('/orders', ana, '{"not json')).status).toBe(400);
    expect(await ask('/orders', ana, bad)).toMatchObject({ status: 400, faults: ['/quantity'] });
    expect((await ask('/orders', ana, { ...bad, quantity: 1 })).status).toBe(403);
  });
});

describe('a request of a branch for a caller', () => {
  let key: BranchKey;
  let chain: Service;
  const asked = async (path: string, stated: string | undefined, sender?: { readonly authorization: string }) => {
    const response = await fetch(chain.url + path, {
      headers: {
        ...(sender ?? (await OwnToken.ofBranch(key).header())),
        ...(stated === undefined ? {} : { [headers.caller]: stated }),
      },
    });
    return { status: response.status, said: (await response.json()) as Problem & Record<string, unknown> };
  };
  const tokenOf = async (grant: Grant) => (await callers.as(grant)).authorization.replace('Bearer ', '');

  beforeAll(async () => {
    key = await createBranchKey('sucursal-1');
    const secrets = { ...(await specTokens), branchKeys: [publicKeyOf(key)] };
    const authorization = new Authorization({ secrets, graceSeconds: 60, branchId: null });
    chain = await startService(frameOf(), { module: TestModule, authorization });
  });
  afterAll(() => chain.stop());

  it('gets what that caller may get', async () => {
    const own = { customerId: 'ana', branchId: 'sucursal-1' };
    expect(await asked('/orders/ana', 'cashier k-1')).toEqual({ status: 200, said: own });
    expect(await asked('/orders/ana', await tokenOf(ana))).toEqual({ status: 200, said: { customerId: 'ana' } });
    expect((await asked('/orders/eva', await tokenOf(ana))).status).toBe(403);
    expect((await asked('/orders/ana?branchId=sucursal-2', 'cashier k-1')).status).toBe(403);
    expect((await asked('/orders/ana', 'branch-manager m-1')).status).toBe(403);
    expect((await asked('/orders/ana', 'anonymous')).status).toBe(401);
  });

  it('gets nothing for staff of another branch, for another branch, or for a token that is not valid', async () => {
    expect((await asked('/orders/ana', await tokenOf({ ...cashier, branchId: 'sucursal-2' }))).status).toBe(403);
    const own = await OwnToken.ofBranch(key).header();
    expect((await asked('/orders/ana', own.authorization.replace('Bearer ', ''))).status).toBe(403);
    for (const stated of ['manager m-1', 'administrator a-1', 'cashier', 'cashier k 1', 'x', 'a.b.c']) {
      expect([stated, (await asked('/orders/ana', stated)).status]).toEqual([stated, 401]);
    }
  });

  it('is 403 without a caller, because the operation is not for branches', async () => {
    expect((await asked('/orders/ana', undefined)).status).toBe(403);
  });

  it('by another sender changes nothing: the sender is the caller', async () => {
    const sender = await callers.as({ ...ana, customerId: 'eva' });
    expect((await asked('/orders/ana', 'cashier k-1', sender)).status).toBe(403);
  });
});
