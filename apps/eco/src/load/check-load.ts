import type { RunningSystem } from '@eco/cluster';
import { brokenChecks, verifyGroup, type CheckResult } from '@eco/database';
import type { Address, Login } from '@eco/base';
import { askNodes, primaryOf, ReadSession, type Statement } from '@eco/postgres';
import { bucketOf } from '@eco/routing';
import { BadInput } from '../input.js';
import type { Accepted } from './writers.js';

/** Time limit of an answer, ms. A machine that has just been under load may take this long. */
const ANSWER_MS = 10_000;

export interface LoadCheck {
  /** Accepted orders that no group has. Each one breaks R1 and R6. */
  missing: string[];
  /** Orders of this run that were not acknowledged; only a request whose answer was lost may leave one. */
  unexpected: string[];
  confirmed: number;
  rejected: number;
  openDeadLetters: number;
  /** Per group the violated checks of R2, R3 and R4; empty: all is correct. */
  broken: (CheckResult & { group: string })[];
  checks: number;
  /** BUCKETS of the chain. */
  buckets: number;
}

/**
 * Compares acknowledged orders with the primaries' rows, and checks R2, R3 and R4 in each group. The primary key
 * ensures that an order exists once; R2 ensures that it had its effect once.
 */
export async function checkLoad(target: RunningSystem, run: string, accepted: readonly Accepted[]): Promise<LoadCheck> {
  const promised = new Set(accepted.map(({ orderId }) => orderId));
  const check: LoadCheck = {
    missing: [],
    unexpected: [],
    confirmed: 0,
    rejected: 0,
    openDeadLetters: 0,
    broken: [],
    checks: 0,
    buckets: 0,
  };
  const found = new Set<string>();
  for (const group of target.groups) {
    const login = target.databaseLogin('eco_operator');
    const primary = primaryOf(await askNodes(group.nodes, login, ANSWER_MS));
    if (primary === undefined) throw new BadInput(`group ${group.id} has no primary that answers: nothing was checked`);
    const stored = await readRunOf(run, { ...primary.node, ...login });
    check.buckets = stored.buckets;
    for (const { id, status } of stored.orders) {
      found.add(id);
      check[status] += 1;
      if (!promised.has(id)) check.unexpected.push(id);
    }
    const report = await verifyGroup(primary.node, login);
    check.openDeadLetters += report.counts.deadLettersOpen;
    check.checks += report.checks.length;
    check.broken.push(...brokenChecks(report).map((broken) => ({ ...broken, group: group.id })));
  }
  check.missing = [...promised].filter((id) => !found.has(id));
  return check;
}

interface StoredRun {
  orders: { id: string; status: 'confirmed' | 'rejected' }[];
  buckets: number;
}

async function readRunOf(run: string, node: Address & Login): Promise<StoredRun> {
  const session = await ReadSession.open({
    ...node,
    applicationName: 'eco load',
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 60_000,
  });
  try {
    const [setting] = await session.query<{ buckets: number }>(BUCKETS, []);
    const orders = await session.query<StoredRun['orders'][number]>(ORDERS_OF_RUN, [
      `load-${run}-customer-`,
      `load-${run}-customer-~`,
    ]);
    return { orders, buckets: setting?.buckets ?? 0 };
  } finally {
    session.close();
  }
}

const BUCKETS: Statement = {
  name: 'load_buckets',
  text: `SELECT s.value::int AS buckets FROM eco.setting s WHERE s.name = 'buckets'`,
};

// The customer ids of a run begin with the same text, and the database sorts by bytes. So this is one range of the
// index.
const ORDERS_OF_RUN: Statement = {
  name: 'load_orders_of_run',
  text: `SELECT o.order_id AS id, o.status FROM eco.orders o WHERE o.customer_id >= $1 AND o.customer_id < $2`,
};

/** Number of the run's customers in each bucket. */
export function customersByBucket(accepted: readonly Accepted[], buckets: number): number[] {
  const counts = new Array<number>(buckets).fill(0);
  for (const customerId of new Set(accepted.map((order) => order.customerId))) {
    const bucket = bucketOf(customerId, buckets);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return counts;
}
