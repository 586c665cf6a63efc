import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { PROJECT_DIR } from '@eco/cluster';
import { Metrics } from '@eco/observability';
import { eventually } from '@eco/testing';
import { openSystem, type Said, type System } from './system/system.js';

/*
 * Goal: a thousand buyers want the last 500 units of one product at the same time. Then 500 get one and 500 are
 * refused, even while writers are killed. Method: each buyer behaves like a careful client over REST. It repeats under
 * the same key while the answer is unknown, and uses a new key only after a response that nothing was done and never
 * will be. Then the ledger is counted and every rule is checked.
 */

let system: System;
beforeAll(async () => (system = await openSystem()));

const BUYERS = 1000;
const UNITS = 500;
const DECIDE_MS = 240_000;

/** The two ways in which a buyer requests one unit. */
const ways = {
  reservation: { path: '/reservations', done: 201, refused: 'stock-short' },
  order: { path: '/orders', done: 201, refused: 'order-rejected' },
} as const;
type Way = keyof typeof ways;

const problemOf = ({ body }: Said) => String(body?.['type']).replace('urn:ecomarket:problem:', '');

/** Sends the request again until it is decided; undefined if it is not decided yet. */
async function ask(way: Way, productId: string, buyer: number, key: string): Promise<Said> {
  const api = buyer % 2 === 0 ? system.central : system.sucursal;
  const body = { customerId: `${productId}-${buyer}`, lines: [{ productId, quantity: 1 }] };
  return api.post(ways[way].path, body, { 'idempotency-key': key, prefer: 'wait=15' });
}

async function buy(way: Way, productId: string, buyer: number, times = 1): Promise<Said> {
  let attempt = 0;
  let last = 'nothing';
  return eventually(
    `buyer ${buyer} gets an answer`,
    async () => {
      const key = `${productId}-${buyer}-${attempt}`;
      const answers = await Promise.all(Array.from({ length: times }, () => ask(way, productId, buyer, key)));
      last = answers.map((said) => `${said.status} ${problemOf(said)}`).join(', ');
      const decided = answers.find(({ status }) => status === ways[way].done || status === 409);
      if (decided === undefined) {
        if (answers.every((said) => problemOf(said) === 'not-done')) attempt += 1;
        throw new Error(last);
      }
      // All responses to one request were the same.
      for (const said of answers) {
        if (said.status === ways[way].done || said.status === 409) {
          const { correlationId: _, ...body } = said.body ?? {};
          const { correlationId: _first, ...first } = decided.body ?? {};
          expect([said.status, body]).toEqual([decided.status, first]);
        }
      }
      return decided;
    },
    { deadlineMs: DECIDE_MS, pauseMs: 1_000 },
  );
}

async function stocked(productId: string): Promise<void> {
  const product = { productId, name: 'The last ones', priceCents: 100, stock: UNITS };
  const made = await system.central.post('/products', product, { 'idempotency-key': productId, prefer: 'wait=20' });
  expect(made.status).toBe(201);
}

async function expectExactly(way: Way, productId: string, answers: Said[]): Promise<void> {
  const bought = answers.filter(({ status }) => status === ways[way].done);
  const refused = answers.filter(({ status }) => status === 409);
  expect([bought.length, refused.length]).toEqual([UNITS, BUYERS - UNITS]);
  for (const said of refused) {
    expect(said.body).toMatchObject({
      type: `urn:ecomarket:problem:${ways[way].refused}`,
      short: [{ productId, asked: 1, available: 0 }],
    });
  }
  const ids = bought.map(({ body }) => String(body?.[way === 'order' ? 'orderId' : 'reservationId']));
  expect(new Set(ids).size).toBe(UNITS);
  const [ledger] = await system.sql(
    `SELECT count(*) AS movements, count(DISTINCT m.command_id) AS commands, sum(m.reserved_delta) AS units,
       max(m.reserved) AS reserved, max(m.sequence) AS sequence,
       count(*) FILTER (WHERE m.command_id = ANY ($2::uuid[])) AS decided
     FROM eco.movement m WHERE m.product_id = $1 AND m.movement = 'reserved'`,
    [productId, ids],
  );
  const all = String(UNITS);
  const last = String(UNITS + 1);
  expect(ledger).toEqual({ movements: all, commands: all, units: all, reserved: all, sequence: last, decided: all });
  const [level] = await system.sql('SELECT on_hand, reserved FROM eco.stock_level WHERE product_id = $1', [productId]);
  expect(level).toEqual({ on_hand: all, reserved: all });
}

const buyers = (way: Way, productId: string, times = 1) =>
  Promise.all(Array.from({ length: BUYERS }, (_, buyer) => buy(way, productId, buyer, times)));

describe.each(['reservation', 'order'] as const)('the last 500 units, by %s', (way) => {
  it(
    'go to 500 of 1,000 buyers at once',
    async () => {
      const productId = `last-${way}`;
      await stocked(productId);
      await expectExactly(way, productId, await buyers(way, productId));
    },
    DECIDE_MS + 60_000,
  );

  // ASVS 5.0: 2.3.4
  it(
    'go to 500 of 1,000 buyers when every request is sent twice',
    async () => {
      const productId = `last-twice-${way}`;
      await stocked(productId);
      await expectExactly(way, productId, await buyers(way, productId, 2));
    },
    DECIDE_MS + 60_000,
  );

  it(
    'go to 500 of 1,000 buyers while the writers are killed',
    async () => {
      const productId = `last-killed-${way}`;
      await stocked(productId);
      const first = await activeWriter();
      let answered = 0;
      const buying = Array.from({ length: BUYERS }, (_, buyer) =>
        buy(way, productId, buyer).finally(() => (answered += 1)),
      );
      const answers = Promise.all(buying);
      // Kills the active writer as soon as any buyer has an answer, and the next one as soon as it is active.
      await Promise.race(buying);
      const answeredThen = answered;
      process.kill(system.pidOf(first), 'SIGKILL');
      expect(answeredThen).toBeLessThan(BUYERS);
      const second = await activeWriter(first);
      process.kill(system.pidOf(second), 'SIGKILL');
      await expectExactly(way, productId, await answers);
      await eventually(
        'a writer is active, and another stands by',
        async () => (await roles()).sort().join() === '0,1',
        {
          deadlineMs: 90_000,
        },
      );
    },
    DECIDE_MS + 120_000,
  );
});

/** `eco_writer_leader` of each writer that answers. */
async function roles(): Promise<(number | undefined)[]> {
  return Promise.all(
    system.writers.map(async ({ operators }) => {
      const metrics = await operators.get('/metrics').catch(() => undefined);
      return new Metrics(metrics?.text ?? '').value('eco_writer_leader');
    }),
  );
}

/** Name of the active writer, once it is another one than `before`. */
async function activeWriter(before?: string): Promise<string> {
  return eventually(
    'a writer is active',
    async () => {
      const name = system.writers[(await roles()).indexOf(1)]?.name;
      return name !== before && name;
    },
    { deadlineMs: 90_000 },
  );
}

it('leaves data that satisfies every rule', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [path.join(PROJECT_DIR, 'apps/eco/bin/eco.js'), 'verify', '--json', '--data', system.dataDir],
    { maxBuffer: 64 * 1024 * 1024 },
    // It exits with 1 if a rule is broken, and states the same as otherwise.
  ).catch((error: Error & { stdout: string }) => error);
  const { groups } = JSON.parse(stdout) as { groups: { role: string; checks: { name: string; offences: number }[] }[] };
  expect(groups.map(({ role }) => role)).toEqual(['replica']);
  expect(groups.flatMap(({ checks }) => checks.filter(({ offences }) => offences > 0))).toEqual([]);
});
