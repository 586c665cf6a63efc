import { sleep } from '@eco/base';
import { ReadSession } from '@eco/postgres';
import type { Query } from '@eco/reads';
import { NO_POSITION } from '@eco/routing';
import { inventoryQuery } from '../inventory/inventory.query.js';
import { orderQuery } from '../orders/order.query.js';
import { ordersOfCustomerQuery } from '../orders/orders-of-customer.query.js';
import { productStockQuery } from '../inventory/product-stock.query.js';
import { numberFrom, orderOf, productNamed, startReadSystem, type ReadSystem } from './read-system.js';

/*
 * Goal: no read fails during vacuum and the restart of any replica, at full write load. The same readers run twice:
 * over `Reads` with EcoMarket's server settings, and as in most programs, over a separate connection to any replica
 * with PostgreSQL's default settings. The second run must fail; otherwise the first proves nothing. ECO_TEST_READS and
 * ECO_TEST_RESTART_EVERY_MS make it longer: 1000000 and 30000 for the full run.
 */

const READS = numberFrom('ECO_TEST_READS', 20_000);
const RESTART_EVERY_MS = numberFrom('ECO_TEST_RESTART_EVERY_MS', 8_000);
/** Most reads of the control run, which fails within seconds. */
const CONTROL_READS_MAX = 5_000;
const READERS = 16;
const PRODUCTS = Array.from({ length: 20 }, (_, n) => `hot-${n}`);
const CUSTOMERS = Array.from({ length: 50 }, (_, n) => `customer-${n}`);
/** Least number of restarts of each replica, however fast the reads are. */
const RESTARTS_MIN = 2;

type Ask = (query: Query<object>, key: string, values: readonly unknown[]) => Promise<string | undefined>;

interface Run {
  reads: number;
  failures: Map<string, number>;
  restarts: number;
  vacuums: number;
  orders: number;
}

let system: ReadSystem;
const placed: { orderId: string; customerId: string }[] = [];

beforeAll(async () => {
  system = await startReadSystem();
  await system.write(...PRODUCTS.map((productId) => productNamed(productId, 100, 100_000_000)));
  // Vacuum runs all the time without pausing.
  await system.run(
    1,
    `ALTER SYSTEM SET autovacuum_naptime = 1`,
    `ALTER SYSTEM SET autovacuum_vacuum_threshold = 1`,
    `ALTER SYSTEM SET autovacuum_vacuum_scale_factor = 0`,
    `ALTER SYSTEM SET autovacuum_vacuum_cost_delay = 0`,
    `SELECT pg_reload_conf()`,
  );
}, 180_000);
afterAll(async () => {
  await system?.stop();
});

/** Writes, vacuums and restarts until the readers are done. */
async function underFire(reads: number, ask: Ask): Promise<Run> {
  const run: Run = { reads: 0, failures: new Map(), restarts: 0, vacuums: 0, orders: 0 };
  let over = false;
  const place = async () => {
    const customerId = CUSTOMERS[run.orders % CUSTOMERS.length] as string;
    const order = orderOf(customerId, [PRODUCTS[run.orders % PRODUCTS.length] as string]);
    run.orders += 1;
    await system.write(order);
    placed.push({ orderId: order.id, customerId });
  };
  const writing = Array.from({ length: 32 }, async () => {
    while (!over) await place();
  });
  const vacuuming = (async () => {
    while (!over) {
      for (const table of ['stock_level', 'group_state', 'product', 'orders', 'outcome', 'movement']) {
        await system.run(1, `VACUUM eco.${table}`);
      }
      run.vacuums += 1;
      await sleep(100);
    }
  })();
  const restarting = (async () => {
    for (let number = 2; !over; number = number === 2 ? 3 : 2) {
      await system.server(number).restart();
      run.restarts += 1;
      for (let waitedMs = 0; waitedMs < RESTART_EVERY_MS && !over; waitedMs += 100) await sleep(100);
    }
  })();
  const reading = Array.from({ length: READERS }, async () => {
    while (run.reads < reads || run.restarts < RESTARTS_MIN) {
      const { orderId, customerId } = placed[Math.floor(Math.random() * placed.length)] ?? {
        orderId: '',
        customerId: '',
      };
      if (orderId === '') {
        await sleep(10);
        continue;
      }
      const product = PRODUCTS[run.reads % PRODUCTS.length] as string;
      const asked = [
        () => ask(orderQuery, customerId, [orderId, null]),
        () => ask(productStockQuery, product, [product]),
        () => ask(inventoryQuery, product, ['', '', 100]),
        () =>
          ask(ordersOfCustomerQuery, customerId, [
            ...[customerId, 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
            ...[20, '-infinity', 'infinity', [], null],
          ]),
      ];
      const fault = await (asked[run.reads % asked.length] as () => Promise<string | undefined>)();
      run.reads += 1;
      if (fault !== undefined) run.failures.set(fault, (run.failures.get(fault) ?? 0) + 1);
    }
  });
  await Promise.all(reading);
  over = true;
  await Promise.all([...writing, vacuuming, restarting]);
  return run;
}

it('no read fails', async () => {
  const run = await underFire(READS, async (query, key, values) => {
    const answer = await system.reads.ofKey(key, query, values, { position: NO_POSITION, waitMs: 0 });
    return answer.type === 'answer' ? undefined : JSON.stringify(answer);
  });
  const onReplicas = system.reads
    .report()
    .filter(({ role }) => role === 'replica')
    .reduce((sum, { share }) => sum + share, 0);
  console.log('with the measures', summary(run), `${(onReplicas * 100).toFixed(1)} % answered by replicas`);
  expect(Object.fromEntries(run.failures)).toEqual({});
  expect(run.reads).toBeGreaterThanOrEqual(READS);
  expect(run.vacuums).toBeGreaterThan(2);
  expect(onReplicas).toBeGreaterThan(0.5);
});

it('without the measures reads fail, so the test above can fail', async () => {
  for (const number of [2, 3]) {
    await system.run(
      number,
      `ALTER SYSTEM SET hot_standby_feedback = off`,
      `ALTER SYSTEM SET max_standby_streaming_delay = 0`,
      `SELECT pg_reload_conf()`,
    );
  }
  const sessions = new Map<number, ReadSession>();
  const run = await underFire(Math.min(READS, CONTROL_READS_MAX), async (query, _key, values) => {
    const number = Math.random() < 0.5 ? 2 : 3;
    try {
      const known = sessions.get(number);
      const session =
        known !== undefined && !known.isClosed
          ? known
          : await ReadSession.open({
              ...system.server(number),
              ...system.group.login('eco_reader'),
              applicationName: 'spec control',
              connectTimeoutMs: 3_000,
              queryTimeoutMs: 3_000,
            });
      sessions.set(number, session);
      await session.query(query.statement, values);
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  });
  for (const session of sessions.values()) session.close();
  console.log('without the measures', summary(run));
  expect([...run.failures.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});

function summary({ failures, ...counts }: Run): string {
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  return JSON.stringify({ ...counts, failed, failures: Object.fromEntries(failures) });
}
