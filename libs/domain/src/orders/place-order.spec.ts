import { changeData, outcomeResults, STAMP_AHEAD_MS_MAX } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { arrivedOf, command, placeOrder, stampAt } from '../test/commands.js';
import { BUCKETS, MemoryGroup } from '../test/memory-group.js';

const AT = '2026-11-24T12:00:05.000Z';
const create = (productId: string, priceCents: number, stock: number) =>
  command('product.create', { productId, name: productId.toUpperCase(), priceCents, stock });

function stocked(owned?: ReadonlySet<number>): MemoryGroup {
  const group = new MemoryGroup(AT, owned);
  group.write(arrivedOf([create('cafe', 890, 10), create('mate', 450, 4), create('te', 300, 0)]));
  return group;
}

describe('order.place', () => {
  it('is placed at the time of its decision at the latest, although its stamp is ahead', () => {
    const stamp = stampAt(STAMP_AHEAD_MS_MAX);
    const { orders } = stocked().write(arrivedOf([placeOrder('ana', { cafe: 1 }, { stamp })]));
    expect(orders).toMatchObject([{ status: 'confirmed', placedAt: AT }]);
  });

  it('confirms: prices every line and reserves it at central', () => {
    const order = placeOrder('ana', { mate: 4, cafe: 2 }, { branchId: 'sucursal-1', stamp: stampAt(-1) });
    const { outcomes, orders, movements, levels } = stocked().write(arrivedOf([order]));
    const lines = [
      { productId: 'mate', name: 'MATE', quantity: 4, unitPriceCents: 450 },
      { productId: 'cafe', name: 'CAFE', quantity: 2, unitPriceCents: 890 },
    ];
    const result = { orderId: order.id, status: 'confirmed', lines, totalCents: 3580 };
    const bucket = bucketOf('ana', BUCKETS);
    expect(outcomes).toEqual([
      {
        commandId: order.id,
        bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
        kind: 'order.place',
        bucket,
        status: 'done',
        result,
        topic: 'orders',
        changeType: 'order.confirmed',
        n: 1,
        changeData: { ...result, customerId: 'ana', branchId: 'sucursal-1' },
        sender: 'central',
        actor: null,
        decidedAs: null,
      },
    ]);
    expect(outcomeResults['order.place'].parse(outcomes[0]?.result)).toEqual(result);
    expect(changeData['order.confirmed'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    expect(orders).toEqual([
      {
        orderId: order.id,
        customerId: 'ana',
        bucket,
        branchId: 'sucursal-1',
        status: 'confirmed',
        lines,
        totalCents: 3580,
        short: [],
        unknownProducts: [],
        placedAt: '2026-11-24T11:59:59.999Z',
      },
    ]);
    expect(movements).toEqual([
      {
        productId: 'mate',
        location: 'central',
        bucket: bucketOf('mate', BUCKETS),
        sequence: 2,
        movement: 'reserved',
        onHandDelta: 0,
        reservedDelta: 4,
        onHand: 4,
        reserved: 4,
        commandId: order.id,
        n: 1,
      },
      expect.objectContaining({ productId: 'cafe', sequence: 2, reservedDelta: 2, onHand: 10, reserved: 2, n: 2 }),
    ]);
    expect(levels.map(({ productId, reserved }) => [productId, reserved])).toEqual([
      ['mate', 4],
      ['cafe', 2],
    ]);
  });

  it('rejects the whole order and names every short line and every unknown product', () => {
    const group = stocked();
    group.write(arrivedOf([command('product.delete', { productId: 'te' })]));
    const order = placeOrder('ana', { cafe: 11, nothing: 1, mate: 5, te: 1 });
    const fits = placeOrder('bo', { cafe: 10, mate: 4 });
    const { outcomes, orders, movements } = group.write(arrivedOf([order, fits]));
    const result = {
      orderId: order.id,
      status: 'rejected',
      short: [
        { productId: 'cafe', asked: 11, available: 10 },
        { productId: 'mate', asked: 5, available: 4 },
      ],
      unknownProducts: ['nothing', 'te'],
    };
    expect(outcomes).toMatchObject([
      {
        status: 'refused',
        topic: 'orders',
        changeType: 'order.rejected',
        n: 1,
        result,
        changeData: { ...result, customerId: 'ana', branchId: null },
      },
      { status: 'done', n: 2 },
    ]);
    expect(outcomeResults['order.place'].parse(outcomes[0]?.result)).toEqual(result);
    expect(changeData['order.rejected'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    const { short, unknownProducts } = result;
    expect(orders[0]).toMatchObject({
      status: 'rejected',
      totalCents: 0,
      lines: order.body.lines,
      short,
      unknownProducts,
    });
    expect(movements.every(({ commandId }) => commandId === fits.id)).toBe(true);
  });

  it('dead-letters an order whose product belongs to another group, instead of calling the product unknown', () => {
    const owned = new Set(Array.from({ length: BUCKETS }, (_, bucket) => bucket));
    owned.delete(bucketOf('mate', BUCKETS));
    const group = stocked(owned);
    const { outcomes, orders, deadLetters } = group.write(arrivedOf([placeOrder('ana', { cafe: 1, mate: 1 })]));
    expect([...outcomes, ...orders]).toEqual([]);
    expect(deadLetters).toMatchObject([
      {
        errorClass: 'not-owned',
        reason: 'this group does not own the bucket of mate',
        bucket: bucketOf('ana', BUCKETS),
      },
    ]);
    expect(group.stored.levels.get('cafe\ncentral')).toMatchObject({ reserved: 0 });
  });
});
