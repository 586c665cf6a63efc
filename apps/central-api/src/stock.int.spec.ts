import { headers as headerNames } from '@eco/contracts';
import { apiClientOf, eventually, startTestCluster, type Answered, type TestCluster } from '@eco/testing';

/*
 * Goal: a change of stock is answered within its request: done, refused, not done and never will be, or unknown.
 * Method: each of one broker, one database and one writer can be stalled.
 */

let cluster: TestCluster;
let central: string;

beforeAll(async () => {
  cluster = await startTestCluster({ brokers: 1, groups: [{ id: 'g1', replicas: 0 }], writersPerGroup: 1 });
  central = cluster.services.find(({ name }) => name.startsWith('central-api'))?.url ?? '';
  const product = { productId: 'tea', name: 'Tea', priceCents: 320, stock: 10 };
  const made = await ask('/products', product, { prefer: 'wait=20' });
  expect(made.status).toBe(201);
}, 180_000);
afterAll(() => cluster.destroy());

const askCentral = apiClientOf(
  () => central,
  () => cluster.system.tokens,
);
const ask = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered> =>
  askCentral(body === undefined ? 'GET' : 'POST', path, body, headers);

const receive = (key: string, wait = 2) =>
  ask('/inventory/tea/receipts', { quantity: 1 }, { 'idempotency-key': key, prefer: `wait=${wait}` });
const problemOf = ({ status, body }: Answered) => [status, String(body['type']).replace('urn:ecomarket:problem:', '')];
const writer = () => part(cluster.services.find(({ name }) => name.startsWith('shard-writer')));
const broker = () => part(cluster.brokers[0]);

function part<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('the cluster has no such part');
  return found;
}

/** Waits until stock is decided again, so that the next test starts from the initial state. */
const worksAgain = (key: string) =>
  eventually(
    'stock is received again',
    async () => {
      const said = await receive(`${key}-${performance.now()}`, 5);
      return said.status === 200 || Promise.reject(new Error(problemOf(said).join(' ')));
    },
    { deadlineMs: 90_000, pauseMs: 500 },
  );

it('is 200 if it was done, and the same if it is repeated', async () => {
  const [first, second] = [await receive('once', 10), await receive('once', 10)];
  expect([first.status, first.body]).toMatchObject([200, { productId: 'tea', delta: 1, onHand: 11, sequence: 2 }]);
  expect([second.status, second.body]).toEqual([200, first.body]);
  expect(second.headers.get(headerNames.idempotentReplayed)).toBe('true');
});

it('is listed with its cause and the level after it, by page, period and place', async () => {
  await receive('listed', 10);
  const movements = (query = '') => ask(`/inventory/tea/movements${query}`);
  const listed = await eventually('the units are listed', async () => {
    const { status, body } = await movements();
    const items = body['items'] as Record<string, unknown>[];
    return status === 200 && items.length >= 2 && items;
  });
  expect(listed.map(({ sequence }) => sequence)).toEqual(listed.map((_, index) => listed.length - index));
  expect(listed.at(-1)).toMatchObject({
    ...{ productId: 'tea', location: 'central', sequence: 1, movement: 'received', onHandDelta: 10, onHand: 10 },
  });
  const [newest] = listed;
  const cause = await ask(`/commands/${String(newest?.['commandId'])}`);
  expect(cause.body).toMatchObject({ kind: 'stock.receive', result: { sequence: newest?.['sequence'] } });

  const [first, rest] = [
    await movements('?limit=1'),
    await movements(`?limit=100&after=${String(newest?.['sequence'])}`),
  ];
  expect(first.body).toEqual({ items: [newest], next: String(newest?.['sequence']) });
  expect(rest.body).toEqual({ items: listed.slice(1), next: null });
  expect((await movements(`?from=${String(newest?.['at'])}&limit=1`)).body['items']).toEqual([newest]);
  expect((await movements(`?to=${String(listed.at(-1)?.['at'])}`)).body).toEqual({ items: [], next: null });
  expect((await movements('?location=sucursal-1/written-off')).body).toEqual({ items: [], next: null });

  expect(problemOf(await ask('/inventory/cofee/movements'))).toEqual([404, 'product-unknown']);
  const faults = (await movements('?location=a/b&from=yesterday&after=x&size=1')).body['faults'] as { at: string }[];
  expect(faults.map(({ at }) => at).sort()).toEqual(['query.from', 'query.location', 'query.size']);
  expect((await movements('?after=x')).body['faults']).toMatchObject([{ at: 'query.after' }]);
});

it('decides about the units of a branch, with a reason', async () => {
  const branchId = 'sucursal-1';
  const decide = (path: string, body: object, key = path) =>
    ask(path, body, { 'idempotency-key': key, prefer: 'wait=10' });
  const ofTea = `/quotas/${branchId}/tea`;
  const sent = await decide('/transfers', { productId: 'tea', from: 'central', to: branchId, quantity: 5 });
  await decide(`/transfers/${String(sent.body['transferId'])}/receive`, { productId: 'tea' });

  const [first, second] = [1, 2].map(() => decide(`${ofTea}/write-off`, { quantity: 2, reason: 'the shop burned' }));
  expect(await first).toMatchObject({ status: 200, body: { branchId, quantity: 2, onHand: 3, writtenOff: 2 } });
  expect(await second).toMatchObject({ status: 200, body: { onHand: 3, writtenOff: 2 } });
  expect(problemOf(await decide(`${ofTea}/write-off`, { quantity: 4, reason: 'again' }, 'more'))).toEqual([
    409,
    'stock-short',
  ]);
  const settled = await decide(`${ofTea}/settle`, { quantity: 1, reason: 'found' });
  expect([...problemOf(settled), settled.body['open']]).toEqual([409, 'discrepancy-smaller', 0]);
  expect(problemOf(await decide(`/branches/${branchId}/unfreeze`, { reason: 'one disk' }))).toEqual([
    409,
    'branch-not-frozen',
  ]);
  expect(problemOf(await decide('/quotas/nowhere/tea/recall', { quantity: 1 }))).toEqual([404, 'branch-unknown']);
  const noReason = await decide(`${ofTea}/write-off`, { quantity: 1 }, 'no-reason');
  expect([noReason.status, noReason.body['faults']]).toEqual([400, [{ at: '/reason', message: 'is missing' }]]);
  // The branch runs and reports. Until it is asked for units, it returns none.
  const { body } = await eventually('the branch has reported', async () => {
    const quotas = await ask(`/quotas?branchId=${branchId}`);
    return JSON.stringify(quotas.body).includes('"isSilent":false') && quotas;
  });
  expect(body).toMatchObject({
    items: [{ productId: 'tea', granted: 3, spent: 0, remaining: 3, writtenOff: 2, frozenReason: null }],
  });
  const recalled = await decide(`${ofTea}/recall`, { quantity: 1 });
  expect(recalled).toMatchObject({ status: 200, body: { branchId, productId: 'tea', quantity: 1 } });
});

it('is 503 if it expired and nothing was done', async () => {
  await broker().pause();
  try {
    // The writer keeps sending heartbeats to the database, which show that the time limit is over.
    const said = await receive('too-late');
    expect(problemOf(said)).toEqual([503, 'not-done']);
    expect(said.headers.get(headerNames.retryAfter)).toBe('2');
    expect(said.body['detail']).toContain('new Idempotency-Key');
  } finally {
    await broker().resume();
  }
  await worksAgain('after-broker');
  // If the broker had received the command, it has expired. If not, it may still be done under the same key.
  const again = await receive('too-late', 20);
  if (again.status !== 200) expect(problemOf(again)).toEqual([503, 'not-done']);
});

it('is 504 while the outcome is unknown, and 503 at once when the group is seen as stalled', async () => {
  await writer().pause();
  let commandId: unknown;
  try {
    const said = await receive('unknown');
    expect(problemOf(said)).toEqual([504, 'outcome-unknown']);
    commandId = said.body['commandId'];
    expect(said.headers.get('location')).toBe(`/commands/${String(commandId)}`);
    const refused = await eventually(
      'the group is seen as stalled',
      async () => {
        const next = await receive(`at-the-api-${performance.now()}`);
        return next.status === 503 && next;
      },
      { deadlineMs: 60_000 },
    );
    expect(problemOf(refused)).toEqual([503, 'not-accepted']);
    expect(refused.body['detail']).toContain('has stalled');
  } finally {
    await writer().resume();
  }
  // The command stayed in the queue until it expired.
  const outcome = await eventually(
    'the command has its outcome',
    async () => {
      const said = await ask(`/commands/${String(commandId)}`);
      return said.status === 200 && said;
    },
    { deadlineMs: 90_000 },
  );
  expect(outcome.body).toMatchObject({ kind: 'stock.receive', status: 'expired', result: {} });
  expect(problemOf(await receive('unknown', 10))).toEqual([503, 'not-done']);
  await worksAgain('after-writer');
});
