import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Command, ReceivedChange, Topic } from '@eco/contracts';
import { BranchDatabase } from '../branch-database.js';
import type { BranchDatabaseOptions, Recorded, SaleRequest } from '../types.js';

export const BRANCH = 'sucursal-1';

export function openBranch(dir: string, options: Partial<BranchDatabaseOptions> = {}): BranchDatabase {
  return new BranchDatabase({
    ...{ dir, branchId: BRANCH, name: 'sucursal-api-1', limitBytes: 1e9, series: 'A', coin: 0, taxBasisPoints: 1600 },
    ...options,
  });
}

let lastSeq = 0;
export function change(type: string, data: Record<string, unknown>): ReceivedChange {
  lastSeq += 1;
  return { type, seq: lastSeq, n: 0, commandId: randomUUID(), at: new Date().toISOString(), data };
}

/** Applies changes as the next page of the topic. */
export async function apply(branch: BranchDatabase, topic: Topic, ...changes: ReceivedChange[]): Promise<boolean> {
  const after = branch.home.cursor(topic);
  const next = String(changes.at(-1)?.seq ?? 0);
  return valueOf(await branch.home.applyChanges({ topic, changes, after, next })).applied;
}

export const asked = () => ({ id: randomUUID(), correlationId: 'a-test', actor: { id: 'ana', branchId: BRANCH } });

/** A branch that sells: with a till, an open shift, and these units of each product, at 10.00 each. */
export async function stock(branch: BranchDatabase, units: Record<string, number>): Promise<string> {
  for (const productId of Object.keys(units)) {
    const product = { productId, name: `Product ${productId}`, priceCents: 1000, version: 1 };
    await apply(branch, 'products', change('product.created', product));
  }
  await online(branch, 0, units);
  await branch.shifts.registerTill({ ...asked(), till: '1', name: 'Caja 1' });
  return valueOf(await branch.shifts.open({ ...asked(), till: '1', openingCents: 50_000 })).shiftId;
}

/** What the feed does when it reaches the home: it reports and takes over these levels. */
export async function online(
  branch: BranchDatabase,
  recordedIncarnation: number,
  units: Record<string, number>,
): Promise<number> {
  const { incarnation } = valueOf(await branch.home.report(recordedIncarnation));
  const levels = Object.entries(units).map(([productId, onHand]) => ({ productId, onHand }));
  await branch.home.takeOverLevels({ incarnation, cursor: '0', levels });
  return incarnation;
}

export function cashSale(productId: string, quantity = 1, more: Partial<SaleRequest> = {}): SaleRequest {
  const tender = { cash: { moneyReceivedCents: 1_000_000 } };
  return { ...asked(), till: '1', customerId: null, lines: [{ productId, quantity }], tender, ...more };
}

export function valueOf<T>(recorded: Recorded<T, unknown>): T {
  if (recorded.type !== 'done') throw new Error(`not recorded: ${JSON.stringify(recorded)}`);
  return recorded.value;
}

/** The commands that wait in the outbox, in their order. */
export function waitingCommands(branch: BranchDatabase): Command[] {
  const database = new DatabaseSync(branch.file, { readOnly: true });
  try {
    const rows = database.prepare('SELECT text FROM entries ORDER BY seq').all() as { text: string }[];
    return rows.map(({ text }) => JSON.parse(text) as Command);
  } finally {
    database.close();
  }
}

export function waitingKinds(branch: BranchDatabase): string[] {
  return waitingCommands(branch).map(({ kind }) => kind);
}
