import { eventually } from '@eco/testing';
import { brokerFaults } from './broker-faults.js';
import { clockFaults } from './clock-faults.js';
import { databaseFaults } from './database-faults.js';
import { lengths } from './fault.js';
import { FaultSystem } from './fault-system.js';
import { FaultLoad } from './fault-load.js';
import { tableOf, type Seen } from './fault-table.js';
import { checkStored } from './stored.js';
import { writerFaults } from './writer-faults.js';

/*
 * Accepted commands are promises. The spec injects one fault after the other into a system of real servers, while
 * clients never stop. Each fault begins when the previous one is repaired. After each fault, everything promised to a
 * client exists exactly once, nothing exists that was not requested, every rule holds, and each invalid message is one
 * dead letter.
 */

const asked = lengths();
const seed = Number(process.env['ECO_TEST_SEED'] ?? Date.now() % 1_000_000);
/**
 * Most resident memory of a service, as in compose.yaml. A service starts with some 120 MB, and its backlog is limited.
 */
const MEMORY_MAX_MB = 512;

/**
 * Longest gap between two accepted requests, ms. A confirm is awaited for 2 s, and then the journal accepts the
 * command. The rest is for a busy machine.
 */
const GAP_MAX_MS = 15_000;

let system: FaultSystem;
let load: FaultLoad;
const seen: Seen[] = [];

beforeAll(async () => {
  process.stderr.write(`messages under faults: ECO_TEST_SEED=${seed}, ${asked.requestsPerSecond} requests/s\n`);
  system = await FaultSystem.start();
  load = new FaultLoad(system, { ...asked, seed });
  await load.start();
  await system.untilAttached();
  system.memory();
}, 600_000);

afterAll(async () => {
  if (seen.length > 0) process.stderr.write(`\n${tableOf(seen)}\n${memoryText()}\n`);
  await load?.stop();
  await system?.cluster.destroy();
}, 300_000);

const SOLD = `
SELECT count(DISTINCT o.order_id)::int AS sales, sum((line ->> 'quantity')::int)::int AS units
FROM eco.orders o CROSS JOIN jsonb_array_elements(o.lines) AS line WHERE o.status = 'confirmed'`;
const COUNTED = 'SELECT sum(d.orders)::int AS sales, sum(d.units)::int AS units FROM statistics.branch_day d';

const memoryText = () =>
  system
    .memory()
    .map(({ name, beforeMb, nowMb }) => `${name} ${beforeMb} → ${nowMb} MB`)
    .join(', ');

// ASVS 5.0: 16.5.2
it.each([...brokerFaults(asked), ...writerFaults(asked), ...clockFaults(), ...databaseFaults(asked)])(
  '$name: nothing is lost, nothing is doubled',
  async (fault) => {
    load.nextWindow();
    const recovery = await fault.run(system);
    const checked = await checkStored(system, load);
    const window = load.nextWindow();
    seen.push({ name: fault.name, recovery, window, checked });
    expect(checked.faults).toEqual([]);
    expect(load.wrongAnswers).toEqual([]);
    // Acceptance never stopped, whatever was away: each order got its 202, and none waited long for it.
    expect([...window.refusals]).toEqual([]);
    expect(window.acceptedCount).toBeGreaterThan(0);
    expect(window.longestGapMs).toBeLessThan(GAP_MAX_MS);
    expect(system.memory().filter(({ nowMb }) => nowMb > MEMORY_MAX_MB)).toEqual([]);
  },
  900_000,
);

it('has an answer to every request in the end, and every effect once', async () => {
  await load.stop();
  const { faults, requests } = await checkStored(system, load);
  expect(faults).toEqual([]);
  expect(requests).toBeGreaterThan(1000);
  const unanswered = load.asked.filter(({ known }) => known === 'unknown');
  expect(unanswered).toEqual([]);
}, 600_000);

it('has delivered every event to every consumer once: the counted sales equal the orders', async () => {
  const [orders] = await system.sql<{ sales: number; units: number }>(SOLD);
  const counted = await eventually(
    'all sales are counted',
    async () => {
      const [day] = await system.sql<{ sales: number; units: number }>(COUNTED, [], { role: 'postgres' });
      if ((day?.sales ?? 0) < (orders?.sales ?? 0)) throw new Error(`${day?.sales} of ${orders?.sales}`);
      return day;
    },
    { deadlineMs: 150_000 },
  );
  expect(counted).toEqual(orders);
});
