import { outcomeResults } from '@eco/contracts';
import { arrivedOf, command, placeOrder, transfer } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

function stocked(): MemoryGroup {
  const group = new MemoryGroup();
  const product = { productId: 'cafe', name: 'Café', priceCents: 890, stock: 10 };
  group.write(arrivedOf([command('product.create', product), placeOrder('ana', { cafe: 4 })]));
  return group;
}
const at = (location: string) => ({ productId: 'cafe', location });
const count = (expected: number, counted: number) => command('stock.count', { ...at('central'), expected, counted });
const adjust = (delta: number) => command('stock.adjust', { ...at('central'), delta, reason: 'broken' });

it('receives units at any location and returns the new level', () => {
  const group = stocked();
  const { outcomes, movements } = group.write(
    arrivedOf([
      command('stock.receive', { ...at('sucursal-1'), quantity: 5 }),
      command('stock.receive', { ...at('central'), quantity: 2 }),
    ]),
  );
  const level = { productId: 'cafe', delta: 2, onHand: 12, reserved: 4, available: 8, sequence: 3 };
  expect(outcomes[1]).toMatchObject({ status: 'done', result: { ...level, location: 'central' }, topic: null });
  expect(outcomeResults['stock.receive'].parse(outcomes[1]?.result)).toEqual(outcomes[1]?.result);
  expect(movements.map(({ movement, location, onHand }) => [movement, location, onHand])).toEqual([
    ['received', 'sucursal-1', 5],
    ['received', 'central', 12],
  ]);
});

it('adjusts up or down, but never below the reserved units', () => {
  const { outcomes } = stocked().write(arrivedOf([adjust(-6), adjust(-1), adjust(3)]));
  expect(outcomes.map(({ result }) => result)).toMatchObject([
    { delta: -6, onHand: 4, available: 0, reason: 'broken' },
    { reason: 'stock-short', short: [{ productId: 'cafe', asked: 1, available: 0 }] },
    { delta: 3, onHand: 7, reason: 'broken' },
  ]);
});

it('accepts a count only if the level is the one that the counter assumed', () => {
  const { outcomes, movements } = stocked().write(
    arrivedOf([count(9, 8), count(10, 10), count(10, 8), count(10, 7), count(8, 3)]),
  );
  expect(outcomes.map(({ result }) => result)).toMatchObject([
    { reason: 'stock-count-stale', expected: 9, onHand: 10 },
    { delta: 0, onHand: 10, sequence: 2 },
    { delta: -2, onHand: 8, sequence: 3 },
    { reason: 'stock-count-stale', expected: 10, onHand: 8 },
    { reason: 'stock-short', short: [{ productId: 'cafe', asked: 5, available: 4 }] },
  ]);
  expect(movements).toHaveLength(1);
});

it('moves units of a deleted product, which are still in stock, and none of an unknown product', () => {
  const group = stocked();
  group.write(arrivedOf([command('product.delete', { productId: 'cafe' })]));
  const nowhere = { productId: 'te', location: 'nowhere' };
  const { outcomes } = group.write(
    arrivedOf([
      adjust(-1),
      command('stock.adjust', { ...nowhere, delta: 1, reason: 'found' }),
      command('stock.receive', { ...at('nowhere'), quantity: 1 }),
    ]),
  );
  expect(outcomes.map(({ result }) => result)).toMatchObject([
    { onHand: 9 },
    { reason: 'product-unknown', unknownProducts: ['te'], unknownLocations: ['nowhere'] },
    { reason: 'location-unknown', unknownLocations: ['nowhere'] },
  ]);
});

it('moves units out, into transit, and in at the other location', () => {
  const group = stocked();
  const sent = transfer({ productId: 'cafe', from: 'central', to: 'sucursal-1', quantity: 6 });
  const receive = (idempotencyKey: string, productId = 'cafe') =>
    command('transfer.receive', { transferId: sent.id, productId }, { idempotencyKey });
  const out = group.write(
    arrivedOf([
      receive('early'),
      sent,
      transfer({ productId: 'cafe', from: 'central', to: 'sucursal-1', quantity: 1 }),
    ]),
  );
  expect(out.outcomes.map(({ result }) => result)).toMatchObject([
    { reason: 'transfer-unknown' },
    { transferId: sent.id, status: 'in-transit', location: 'central', delta: -6, onHand: 4 },
    { reason: 'stock-short', short: [{ productId: 'cafe', asked: 1, available: 0 }] },
  ]);
  expect([...group.stored.levels.values()].map(({ onHand }) => onHand)).toEqual([4]);
  const arrived = group.write(arrivedOf([receive('1'), receive('2')])).outcomes;
  expect(arrived.map(({ result }) => result)).toMatchObject([
    { transferId: sent.id, status: 'arrived', location: 'sucursal-1', delta: 6, onHand: 6 },
    { reason: 'transfer-arrived' },
  ]);
  expect(outcomeResults['transfer.receive'].parse(arrived[0]?.result)).toEqual(arrived[0]?.result);
  expect(group.stored.transfers.get(sent.id)).toMatchObject({ status: 'arrived', arrivedAt: group.at });
});
