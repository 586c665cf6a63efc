import type { Command } from '@eco/contracts';
import { arrivedOf, command, making, placeOrder, recordSale, transfer } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

/* The group's database was restored, and has forgotten what a branch did since. */

const BRANCH = 'sucursal-1';
const EPOCH = 'restore-1';
const atPlace = (sequence: number, incarnation = 1) => ({ branchId: BRANCH, incarnation, sequence });
const report = (sequence: number, incarnation = 1, homeEpoch?: string) =>
  command('branch.report', { ...atPlace(sequence, incarnation), ...(homeEpoch !== undefined && { homeEpoch }) });
const fetch = (quantity: number) =>
  making('quota.fetch', { branchId: BRANCH, productId: 'cafe', quantity, remaining: 0 });
const accept = (sequence: number, transferId: string, quantity: number) =>
  command('quota.accept', { ...atPlace(sequence), transferId, productId: 'cafe', quantity });
/** As the branch sends it once it knows of the restore. */
const again = <C extends Command>(sent: C): C => ({ ...sent, homeEpoch: EPOCH });

/** A pool of 100 units, and a branch that has reported and is awaited. */
function restored(): MemoryGroup {
  const group = new MemoryGroup();
  const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock: 100 });
  group.write(arrivedOf([cafe, report(1)]));
  group.awaited.set(BRANCH, EPOCH);
  return group;
}

function levelsOf(group: MemoryGroup): Record<string, number> {
  return Object.fromEntries([...group.stored.levels.values()].map(({ location, onHand }) => [location, onHand]));
}

const statusesOf = (group: MemoryGroup, ...commands: Command[]) =>
  group.write(arrivedOf(commands)).replies.map((reply) => ('status' in reply ? reply.status : reply.type));

it('promises no unit of its pool until the branch has sent its entries again, and refuses no order meanwhile', () => {
  const group = restored();
  const order = placeOrder('ana', { cafe: 1 });
  const { deadLetters, orders } = group.write(arrivedOf([order]));
  expect(deadLetters).toMatchObject([
    { commandId: order.id, errorClass: 'awaiting-branches', reason: expect.stringContaining(BRANCH) as string },
  ]);
  expect(orders).toEqual([]);
  const sent = transfer({ productId: 'cafe', from: 'central', to: BRANCH, quantity: 1 });
  expect(statusesOf(group, fetch(5), sent)).toEqual(['refused', 'dead-letter']);
  expect(levelsOf(group)).toEqual({ central: 100 });
  expect(
    statusesOf(
      group,
      again(report(2)),
      placeOrder('bea', { cafe: 1 }),
      again(report(1, 2, EPOCH)),
      placeOrder('eva', { cafe: 1 }),
    ),
  ).toEqual(['done', 'dead-letter', 'done', 'done']);
});

it('takes units of a forgotten grant from the pool, once, and a late copy of its request gets nothing', () => {
  const group = restored();
  const grant = fetch(20);
  expect(statusesOf(group, again(accept(2, grant.id, 20)), again(accept(2, grant.id, 20)))).toEqual(['done', 'done']);
  expect(levelsOf(group)).toEqual({ central: 80, [BRANCH]: 20 });
  expect(group.stored.transfers.get(grant.id)).toMatchObject({ status: 'arrived', quantity: 20 });
  expect(statusesOf(group, again(report(1, 2, EPOCH)), grant)).toEqual(['done', 'refused']);
  expect(levelsOf(group)).toEqual({ central: 80, [BRANCH]: 20 });
});

it('leaves an entry to its branch that was sent before the branch knew of the restore', () => {
  const group = restored();
  const sale = recordSale(atPlace(3), { cafe: 2 });
  const early = group.write(arrivedOf([sale]));
  expect([early.outcomes, early.deadLetters, early.entries]).toEqual([[], [], []]);
  const grant = fetch(5);
  expect(statusesOf(group, again(accept(2, grant.id, 5)), again(sale), again(report(1, 2, EPOCH)))).toEqual([
    'done',
    'done',
    'done',
  ]);
  expect(levelsOf(group)).toEqual({ central: 95, [BRANCH]: 3 });
  expect(group.stored.holders.get(BRANCH)).toMatchObject({ incarnation: 2, frozenReason: null, settledEpoch: EPOCH });
});

it('repeats the outcomes of entries that it has not forgotten', () => {
  const group = restored();
  expect(statusesOf(group, report(1), again(report(1)))).toEqual(['done', 'done']);
  expect(group.stored.holders.get(BRANCH)?.settledEpoch ?? null).toBe(null);
});
