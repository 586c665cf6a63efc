import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Relay } from '@eco/journal';
import type { PublishOutcome } from '@eco/broker';
import { violationsOf } from './test/check.js';
import { sellUntilKilled, type Sold } from './test/selling.js';
import { openBranch } from './test/shop.js';

/*
 * A branch sells for long without any line, is killed meanwhile, and then sends everything over a line that loses and
 * repeats messages. `npm run test:offline:full` does it with 100,000 sales.
 */

const SALES = Number(process.env['ECO_TEST_OFFLINE_SALES'] ?? 2_000);
const KILLS = 4;
const TILLS = 8;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'eco-branch-offline-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Outcomes of the first messages. Each failure costs a pause of the relay, so later messages are confirmed at once. */
const unconfirmed = { type: 'unconfirmed', reason: 'deadline' } as const;
const confirmed = { type: 'confirmed' } as const;
const disconnected = { type: 'disconnected' } as const;
const outcomes = [confirmed, unconfirmed, disconnected, unconfirmed, confirmed, disconnected];

/** A broker that receives a message and confirms it, receives it and confirms nothing, or does not receive it. */
function unreliableBroker() {
  const received: string[] = [];
  let tries = 0;
  const publish = async (_lane: string, texts: readonly string[]): Promise<PublishOutcome> => {
    await Promise.resolve();
    const outcome = outcomes[tries++] ?? confirmed;
    if (outcome !== disconnected) received.push(...texts.map((text) => (JSON.parse(text) as { id: string }).id));
    return outcome;
  };
  return { received, publish };
}

it(`sends ${SALES} sales of ${TILLS} tills in their order, each once, after a long time without a line`, async () => {
  const sold: Sold[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    sold.push(await sellUntilKilled({ dir, callers: TILLS, sales: SALES / KILLS }));
  }
  const branch = openBranch(dir, { limitBytes: 4e9 });
  try {
    expect(violationsOf(branch, sold)).toEqual([]);
    const sales = branch.sales.page({ limit: 10_000_000 }).reverse();
    expect(sales.length).toBeGreaterThanOrEqual(SALES);
    const broker = unreliableBroker();
    const relay = new Relay({ journal: branch.outbox, publish: broker.publish });
    relay.start();
    await relay.idle();
    await relay.stop();
    // The home decides each command once, by its id: what it received first counts.
    const [, ...decided] = new Set(broker.received);
    expect(broker.received.length).toBeGreaterThan(decided.length + 1);
    expect(decided).toEqual(sales.map(({ saleId }) => saleId));
    expect(branch.status).toMatchObject({ depth: 0, parked: 0 });
  } finally {
    branch.close();
  }
});
