import { BRANCH_SILENCE_DAYS_MAX, changeData, outcomeResults, type Command } from '@eco/contracts';
import { arrivedOf, command, making, NOON_MS, recordSale, transfer } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

const BRANCH = 'sucursal-1';
const atPlace = (sequence: number, incarnation = 1) => ({ branchId: BRANCH, incarnation, sequence });
const report = (sequence: number, incarnation = 1) => command('branch.report', atPlace(sequence, incarnation));
const fetch = (quantity: number, fields: object = {}) =>
  making('quota.fetch', { branchId: BRANCH, productId: 'cafe', quantity, remaining: 0, ...fields });
const accept = (sequence: number, transferId: string, productId = 'cafe') =>
  command('quota.accept', { ...atPlace(sequence), transferId, productId });
const giveBack = (sequence: number, quantity: number) =>
  command('quota.give-back', { ...atPlace(sequence), productId: 'cafe', quantity, recallId: null });
const count = (sequence: number, expected: number, counted: number) =>
  command('quota.count', { ...atPlace(sequence), productId: 'cafe', expected, counted, reason: 'counted' });
const units = (quantity: number, fields: object = {}) => ({ branchId: BRANCH, productId: 'cafe', quantity, ...fields });
const writeOff = (quantity: number) => command('quota.write-off', { ...units(quantity), reason: 'burned down' });
const settle = (quantity: number) => command('quota.settle', { ...units(quantity), reason: 'found' });
const unfreeze = (key = 'a') =>
  command('branch.unfreeze', { branchId: BRANCH, reason: 'the copy was destroyed' }, { idempotencyKey: key });

/** A pool of this many units, and a branch that has reported. */
function reported(stock = 100): MemoryGroup {
  const group = new MemoryGroup();
  const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock });
  group.write(arrivedOf([cafe, report(1)]));
  return group;
}

/** The branch holds these units. */
function granted(quantity: number): MemoryGroup {
  const group = reported();
  const grant = fetch(quantity);
  group.write(arrivedOf([grant, accept(2, grant.id)]));
  return group;
}

function levelsOf(group: MemoryGroup): Record<string, number> {
  return Object.fromEntries([...group.stored.levels.values()].map(({ location, onHand }) => [location, onHand]));
}

/** Writes a batch and returns the results; each must have the form that its descriptor states. */
function resultsOf(group: MemoryGroup, ...commands: Command[]): Record<string, unknown>[] {
  const { outcomes } = group.write(arrivedOf(commands));
  return outcomes.map(({ kind, status, result, changeType, changeData: data }) => {
    if (status === 'done') expect(outcomeResults[kind].parse(result)).toEqual(result);
    if (changeType !== null) expect(changeData[changeType].parse(data)).toEqual(data);
    return result;
  });
}

describe('a grant', () => {
  it('leaves the pool, is in transit until the branch accepts it, and arrives once', () => {
    const group = reported();
    const grant = fetch(20);
    const { outcomes, transfers } = group.write(arrivedOf([grant]));
    expect(outcomes).toMatchObject([
      { result: { transferId: grant.id, quantity: 20 }, topic: 'quotas', changeType: 'quota.granted' },
    ]);
    expect(transfers).toMatchObject([{ from: 'central', to: BRANCH, quantity: 20, status: 'in-transit' }]);
    expect(levelsOf(group)).toEqual({ central: 80 });
    expect(resultsOf(group, accept(2, grant.id), accept(3, grant.id))).toMatchObject([
      { transferId: grant.id, quantity: 20 },
      { reason: 'transfer-arrived' },
    ]);
    expect(levelsOf(group)).toEqual({ central: 80, [BRANCH]: 20 });
  });

  it('is at most half of a large pool, and may be all of a small one', () => {
    const group = reported(30);
    expect(resultsOf(group, fetch(25), fetch(24), fetch(23))).toMatchObject([
      { quantity: 15 },
      { quantity: 10 },
      { quantity: 5 },
    ]);
    expect(resultsOf(group, fetch(22))).toEqual([{ reason: 'nothing-to-grant' }]);
  });

  it('takes no reserved unit', () => {
    const group = reported(4);
    const order = making('order.place', {
      customerId: 'ana',
      branchId: null,
      lines: [{ productId: 'cafe', quantity: 3 }],
    });
    expect(resultsOf(group, order, fetch(5))).toMatchObject([{ status: 'confirmed' }, { quantity: 1 }]);
  });

  it('is refused for an unknown or deleted product, and for what is no branch', () => {
    const group = reported();
    const results = resultsOf(group, fetch(1, { productId: 'mate' }), fetch(1, { branchId: 'nowhere' }));
    expect(results).toEqual([{ reason: 'product-unknown' }, { reason: 'branch-unknown' }]);
    expect(resultsOf(group, fetch(1, { branchId: 'central' }))).toEqual([{ reason: 'branch-unknown' }]);
    group.write(arrivedOf([command('product.delete', { productId: 'cafe' })]));
    expect(resultsOf(group, fetch(2))).toEqual([{ reason: 'product-unknown' }]);
  });

  it('is refused to a branch that is silent, and made again after its next entry', () => {
    const group = reported();
    const recall = making('quota.recall', units(1));
    group.at = new Date(NOON_MS + BRANCH_SILENCE_DAYS_MAX * 86_400_000).toISOString();
    expect(resultsOf(group, fetch(1))).toMatchObject([{ quantity: 1 }]);
    group.at = new Date(NOON_MS + BRANCH_SILENCE_DAYS_MAX * 86_400_000 + 1).toISOString();
    expect(resultsOf(group, fetch(2), recall)).toEqual([{ reason: 'branch-silent' }, { reason: 'branch-silent' }]);
    expect(resultsOf(group, report(2), fetch(3))).toMatchObject([{ isFrozen: false }, { quantity: 3 }]);
  });

  it('is refused to a branch that never sent an entry', () => {
    const group = new MemoryGroup();
    const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock: 5 });
    group.write(arrivedOf([cafe]));
    expect(resultsOf(group, fetch(1))).toEqual([{ reason: 'branch-silent' }]);
  });
});

describe('goods that a person sends', () => {
  it('are announced to the branch under quotas, and arrive when it accepts them', () => {
    const group = reported();
    const sent = transfer({ productId: 'cafe', from: 'central', to: BRANCH, quantity: 7 });
    const { outcomes, movements } = group.write(arrivedOf([sent]));
    expect(outcomes).toMatchObject([
      { topic: 'quotas', changeType: 'transfer.sent', changeData: { branchId: BRANCH, from: 'central', quantity: 7 } },
    ]);
    expect(movements).toMatchObject([{ movement: 'sent', location: 'central', onHandDelta: -7, n: 1 }]);
    expect(resultsOf(group, accept(2, sent.id))).toMatchObject([{ quantity: 7 }]);
  });

  it('to the head office are announced to no branch, and no branch accepts them', () => {
    const group = new MemoryGroup();
    const cafe = command('product.create', { productId: 'cafe', name: 'Café', priceCents: 100, stock: 5 });
    const received = command('stock.receive', { productId: 'cafe', location: BRANCH, quantity: 5 });
    const back = transfer({ productId: 'cafe', from: BRANCH, to: 'central', quantity: 2 });
    const { outcomes } = group.write(arrivedOf([cafe, received, back]));
    expect(outcomes[2]).toMatchObject({ status: 'done', topic: null, changeType: null });
    expect(resultsOf(group, accept(3, back.id))).toEqual([{ reason: 'transfer-unknown' }]);
    expect(resultsOf(group, accept(4, back.id, 'mate'))).toEqual([{ reason: 'transfer-unknown' }]);
  });
});

describe('units of a branch that has reported', () => {
  const at = { productId: 'cafe', location: BRANCH };

  it.each<[string, Command]>([
    ['adjusted away', command('stock.adjust', { ...at, delta: -1, reason: 'broken' })],
    ['counted away', command('stock.count', { ...at, expected: 10, counted: 9 })],
    ['sent away', transfer({ productId: 'cafe', from: BRANCH, to: 'central', quantity: 1 })],
  ])('are not %s by the head office', (_how, one) => {
    const group = granted(10);
    expect(resultsOf(group, one)).toEqual([{ reason: 'held-by-branch' }]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 10 });
  });

  it('may become more, and the branch finds them when it counts', () => {
    const group = granted(10);
    resultsOf(
      group,
      command('stock.receive', { ...at, quantity: 3 }),
      command('stock.adjust', { ...at, delta: 2, reason: 'found' }),
      command('stock.count', { ...at, expected: 15, counted: 16 }),
    );
    expect(resultsOf(group, count(3, 10, 16))).toMatchObject([{ delta: 0 }]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 16 });
  });
});

describe('units in the quarantine of a branch', () => {
  const quarantine = `${BRANCH}/quarantine`;
  const returned = making('sale.return', {
    ...atPlace(3),
    saleId: null,
    returnedAt: new Date(NOON_MS).toISOString(),
    reason: 'too large',
    lines: [{ productId: 'cafe', quantity: 5, unitPriceCents: 100 }],
    refundCents: 500,
  });

  it('go back to the branch or to the head office by a transfer, or are adjusted away', () => {
    const group = granted(10);
    const sent = transfer({ productId: 'cafe', from: quarantine, to: BRANCH, quantity: 2 });
    const home = transfer({ productId: 'cafe', from: quarantine, to: 'central', quantity: 1 });
    const broken = command('stock.adjust', { productId: 'cafe', location: quarantine, delta: -2, reason: 'broken' });
    expect(resultsOf(group, returned, sent, home, broken, accept(4, sent.id))).toMatchObject([
      {},
      { status: 'in-transit', onHand: 3 },
      { status: 'in-transit', onHand: 2 },
      { location: quarantine, onHand: 0 },
      { quantity: 2 },
    ]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 12, [quarantine]: 0 });
  });

  it('are at most those that are there, and the head office has none', () => {
    const group = granted(10);
    const adjust = (location: string) =>
      command('stock.adjust', { productId: 'cafe', location, delta: -6, reason: 'broken' });
    expect(resultsOf(group, returned, adjust(quarantine), adjust('central/quarantine'))).toMatchObject([
      {},
      { reason: 'stock-short', short: [{ asked: 6, available: 5 }] },
      { reason: 'location-unknown', unknownLocations: ['central/quarantine'] },
    ]);
  });
});

describe('quota.give-back', () => {
  it('returns units to the pool at once, and written-off ones after the quota', () => {
    const group = granted(10);
    expect(resultsOf(group, giveBack(3, 4), writeOff(5), giveBack(4, 3), giveBack(5, 5))).toMatchObject([
      { quantity: 4 },
      { onHand: 1, writtenOff: 5 },
      { quantity: 3 },
      { reason: 'stock-short', short: [{ productId: 'cafe', asked: 5, available: 3 }] },
    ]);
    expect(levelsOf(group)).toEqual({ central: 97, [BRANCH]: 0, [`${BRANCH}/written-off`]: 3 });
  });
});

describe('quota.write-off', () => {
  it('never puts units into the pool, and takes no more than the quota', () => {
    const group = granted(10);
    expect(resultsOf(group, writeOff(11), writeOff(10))).toMatchObject([
      { reason: 'stock-short', short: [{ asked: 11, available: 10 }] },
      { quantity: 10, onHand: 0, writtenOff: 10 },
    ]);
    expect(levelsOf(group)).toEqual({ central: 90, [BRANCH]: 0, [`${BRANCH}/written-off`]: 10 });
  });
});

describe('quota.count', () => {
  it('sets the quota, and finds written-off units first', () => {
    const group = granted(10);
    expect(resultsOf(group, count(3, 10, 8), writeOff(3), count(4, 5, 7))).toMatchObject([
      { delta: -2, excess: 0, settled: 0 },
      { onHand: 5, writtenOff: 3 },
      { delta: 0, excess: 0, settled: 0 },
    ]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 7, [`${BRANCH}/written-off`]: 1 });
  });

  it('keeps a write-off of which the branch did not know yet', () => {
    const group = granted(10);
    resultsOf(group, writeOff(4), count(3, 10, 10));
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 6, [`${BRANCH}/written-off`]: 4 });
  });

  it('settles what was open, and opens what it misses beyond the record', () => {
    const group = granted(10);
    resultsOf(group, recordSale(atPlace(3), { cafe: 12 }));
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 0, [`${BRANCH}/discrepancy`]: 2 });
    expect(resultsOf(group, count(4, 5, 4))).toMatchObject([{ delta: -1, excess: 1, settled: 2 }]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 0, [`${BRANCH}/discrepancy`]: 1 });
  });

  it('is refused for an unknown product, and noted', () => {
    const group = reported();
    const unknown = command('quota.count', { ...count(2, 1, 1).body, productId: 'mate' });
    expect(resultsOf(group, unknown)).toEqual([{ reason: 'product-unknown' }]);
    expect([...group.stored.holders.values()]).toMatchObject([{ sequence: 2 }]);
  });
});

describe('quota.settle', () => {
  it('accepts units that no record showed, at most those that are open', () => {
    const group = granted(10);
    resultsOf(group, recordSale(atPlace(3), { cafe: 13 }));
    expect(resultsOf(group, settle(4), settle(2))).toMatchObject([
      { reason: 'discrepancy-smaller', asked: 4, open: 3 },
      { quantity: 2, open: 1 },
    ]);
    expect(levelsOf(group)).toMatchObject({ central: 90, [`${BRANCH}/discrepancy`]: 1 });
  });
});

describe('quota.recall', () => {
  it('moves nothing: only the branch returns units', () => {
    const group = granted(10);
    const recall = making('quota.recall', units(6));
    const { outcomes, movements } = group.write(arrivedOf([recall]));
    expect(outcomes).toMatchObject([
      { changeType: 'quota.recalled', changeData: { recallId: recall.id, quantity: 6 } },
    ]);
    expect(movements).toEqual([]);
  });
});

describe('a fork', () => {
  const frozen = { reason: 'branch-frozen' };

  it('is two entries of one place: both are booked, and the branch gets no more units', () => {
    const group = granted(10);
    const [one, other] = [recordSale(atPlace(3), { cafe: 1 }), recordSale(atPlace(3), { cafe: 2 })];
    expect(resultsOf(group, one, other, fetch(1))).toMatchObject([{ saleId: one.id }, { saleId: other.id }, frozen]);
    expect(levelsOf(group)).toMatchObject({ [BRANCH]: 7 });
    expect([...group.stored.holders.values()]).toMatchObject([
      { frozenReason: 'two entries have the number 3 of incarnation 1' },
    ]);
    expect([...group.stored.entries.values()].filter(({ sequence }) => sequence === 3)).toHaveLength(2);
  });

  it('is found in a later batch, too, and stays until a manager ends it', () => {
    const group = granted(10);
    resultsOf(group, recordSale(atPlace(3), { cafe: 1 }));
    resultsOf(group, recordSale(atPlace(3), { cafe: 2 }));
    expect(resultsOf(group, fetch(1), report(4), report(5, 2))).toMatchObject([
      frozen,
      { isFrozen: true },
      { isFrozen: true },
    ]);
    expect(resultsOf(group, unfreeze('a'), unfreeze('b'), fetch(2))).toMatchObject([
      { branchId: BRANCH },
      { reason: 'branch-not-frozen' },
      { quantity: 2 },
    ]);
  });

  it('is an entry of a former incarnation', () => {
    const group = granted(10);
    const reports = group.write(arrivedOf([report(1, 2), report(2, 2)])).outcomes;
    expect(reports.map(({ changeData: data }) => data)).toMatchObject([{ isNew: true }, { isNew: false }]);
    expect(resultsOf(group, fetch(1))).toMatchObject([{ quantity: 1 }]);
    const late = recordSale(atPlace(3), { cafe: 1 });
    expect(resultsOf(group, late, fetch(2))).toMatchObject([{ saleId: late.id }, frozen]);
    expect([...group.stored.holders.values()]).toMatchObject([
      { incarnation: 2, sequence: 2, frozenReason: 'entry 3 of incarnation 1 came after incarnation 2 had reported' },
    ]);
  });

  it('is no entry that arrives twice', () => {
    const group = granted(10);
    const sale = recordSale(atPlace(3), { cafe: 1 });
    expect(resultsOf(group, sale, sale, fetch(1))).toMatchObject([{ saleId: sale.id }, { quantity: 1 }]);
    expect(resultsOf(group, sale, fetch(2))).toMatchObject([{ quantity: 2 }]);
  });
});
