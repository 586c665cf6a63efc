import { changeData, outcomeResults, type CommandKind } from '@eco/contracts';
import { arrivedOf, command, placeOrder } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

function stocked(): MemoryGroup {
  const group = new MemoryGroup();
  const product = { productId: 'cafe', name: 'Café', priceCents: 890, stock: 10 };
  group.write(arrivedOf([command('product.create', product)]));
  return group;
}
const order = placeOrder('ana', { cafe: 4 });
const of = { orderId: order.id, customerId: 'ana' };
const end = (kind: 'order.cancel' | 'order.fulfil', idempotencyKey: string) => command(kind, of, { idempotencyKey });
const back = (quantity: number, location = 'central', productId = 'cafe') =>
  command('order.return', { ...of, location, lines: [{ productId, quantity }] });
const level = (group: MemoryGroup, location = 'central') => group.stored.levels.get(`cafe\n${location}`);

it.each([
  ['order.cancel', 'cancelled', 'released', 10],
  ['order.fulfil', 'fulfilled', 'fulfilled', 6],
] as const)('%s leaves an order %s, in the same batch or later', (kind, status, movement, onHand) => {
  for (const batches of [[[order, end(kind, '1')]], [[order], [end(kind, '1')]]]) {
    const group = stocked();
    const effects = batches.map((batch) => group.write(arrivedOf(batch))).at(-1);
    const outcome = effects?.outcomes.at(-1);
    expect(outcome).toMatchObject({
      status: 'done',
      result: { orderId: order.id, status, lines: [{ productId: 'cafe', quantity: 4 }] },
      changeType: `order.${status}`,
      changeData: { customerId: 'ana', totalCents: 3560 },
    });
    expect(outcomeResults[kind].parse(outcome?.result)).toEqual(outcome?.result);
    expect(changeData[`order.${status}`].parse(outcome?.changeData)).toEqual(outcome?.changeData);
    expect(effects?.movements.at(-1)).toMatchObject({ movement, commandId: outcome?.commandId });
    expect(level(group)).toMatchObject({ onHand, reserved: 0 });
    const { outcomes } = group.write(arrivedOf([end('order.cancel', '2'), end('order.fulfil', '2')]));
    const refusal = { status: 'refused', result: { reason: 'order-not-open', orderStatus: status } };
    expect(outcomes).toMatchObject([refusal, refusal]);
  }
});

// ASVS 5.0: 2.3.1
it('refuses an order that is unknown, another customer’s, or rejected', () => {
  const group = stocked();
  const tooMuch = placeOrder('ana', { cafe: 11 });
  const results = group
    .write(
      arrivedOf([
        end('order.fulfil', '1'),
        tooMuch,
        order,
        command('order.cancel', { ...of, customerId: 'bo' }),
        command('order.cancel', { ...of, orderId: tooMuch.id }),
        back(1),
      ]),
    )
    .outcomes.map(({ result }) => result);
  expect(results[0]).toEqual({ reason: 'order-unknown' });
  expect(results.slice(3)).toEqual([
    { reason: 'order-unknown' },
    { reason: 'order-not-open', orderStatus: 'rejected' },
    { reason: 'order-not-fulfilled', orderStatus: 'confirmed' },
  ]);
});

it('leaves a tombstone when it overtakes its order, whichever command makes the order', () => {
  const group = stocked();
  const { outcomes } = group.write(arrivedOf([end('order.cancel', '1'), order]));
  expect(outcomes).toMatchObject([
    { status: 'done', result: { status: 'cancelled', lines: [] }, topic: null },
    { status: 'refused', result: { reason: 'order-cancelled' }, topic: null },
  ]);
  expect(group.write(arrivedOf([end('order.cancel', '2')])).outcomes).toMatchObject([{ status: 'done' }]);
  expect([group.stored.tombstones.size, group.stored.orders.size, level(group)?.reserved]).toEqual([1, 0, 0]);
});

it('refuses to cancel a decided command that made no order', () => {
  const group = stocked();
  const expired = { ...order, notAfter: '2026-11-24T11:00:00.000Z' };
  const { outcomes } = group.write(arrivedOf([expired, end('order.cancel', '1')]));
  expect(outcomes[1]).toMatchObject({ status: 'refused', result: { reason: 'order-unknown' } });
});

it('accepts returned units at any location, but never more of a product than the order had', () => {
  const group = stocked();
  group.write(arrivedOf([order, end('order.fulfil', '1')]));
  const { outcomes } = group.write(
    arrivedOf([
      back(3, 'sucursal-1'),
      back(2),
      back(1, 'central', 'te'),
      back(1, 'nowhere'),
      command(
        'order.return',
        { ...of, location: 'central', lines: [{ productId: 'cafe', quantity: 1 }] },
        { idempotencyKey: 'the last one' },
      ),
    ]),
  );
  expect(outcomes.map(({ result }) => result)).toMatchObject([
    { location: 'sucursal-1', returned: [{ productId: 'cafe', quantity: 3 }] },
    { reason: 'return-exceeds-order', excess: [{ productId: 'cafe', asked: 2, returnable: 1 }] },
    { reason: 'return-exceeds-order', excess: [{ productId: 'te', asked: 1, returnable: 0 }] },
    { reason: 'location-unknown', unknownLocations: ['nowhere'] },
    { returned: [{ productId: 'cafe', quantity: 4 }] },
  ]);
  // Consumers count with these fields: the price of the units, and whether the last unit came back.
  expect(outcomes.filter(({ topic }) => topic !== null).map(({ changeData: data }) => data)).toMatchObject([
    { lines: [{ productId: 'cafe', quantity: 3, unitPriceCents: 890, unitsKept: 1 }], unitsKept: 1 },
    { lines: [{ productId: 'cafe', quantity: 1, unitPriceCents: 890, unitsKept: 0 }], unitsKept: 0 },
  ]);
  const kind: CommandKind = 'order.return';
  expect(outcomeResults[kind].parse(outcomes[0]?.result)).toEqual(outcomes[0]?.result);
  expect(changeData['order.returned'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
  expect([level(group)?.onHand, level(group, 'sucursal-1')?.onHand]).toEqual([7, 3]);
});
