import { changeData, MAX_CART_PRODUCTS, outcomeResults } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { arrivedOf, checkOut, command, placeOrder, stampAt } from '../test/commands.js';
import { BUCKETS, MemoryGroup } from '../test/memory-group.js';

const create = (productId: string, stock: number) =>
  command('product.create', { productId, name: productId, priceCents: 100, stock });
const edit = (afterMs: number, productId: string, quantity: number) =>
  command(
    'cart.edit',
    { customerId: 'ana', productId, quantity },
    { stamp: stampAt(afterMs), idempotencyKey: `${afterMs}` },
  );
const clear = (afterMs: number) =>
  command('cart.clear', { customerId: 'ana' }, { stamp: stampAt(afterMs), idempotencyKey: `${afterMs}` });

function stocked(): MemoryGroup {
  const group = new MemoryGroup();
  group.write(arrivedOf([create('cafe', 10), create('mate', 4)]));
  return group;
}

describe('cart.edit', () => {
  it('keeps the edit with the highest stamp, in one row however often it is edited', () => {
    const { replies, cartItems, outcomes } = stocked().write(
      arrivedOf([edit(2, 'cafe', 2), edit(1, 'cafe', 1), edit(3, 'cafe', 3)]),
    );
    expect(replies.map((reply) => reply.type === 'outcome' && reply.result['applied'])).toEqual([true, false, true]);
    expect(cartItems).toEqual([
      { customerId: 'ana', productId: 'cafe', quantity: 3, stamp: stampAt(3), bucket: bucketOf('ana', BUCKETS) },
    ]);
    expect(outcomes.map(({ topic, changeType, n }) => [topic, changeType, n])).toEqual([
      ['carts', 'cart.changed', 1],
      [null, null, 0],
      ['carts', 'cart.changed', 2],
    ]);
    for (const { result } of outcomes) expect(outcomeResults['cart.edit'].parse(result)).toEqual(result);
    expect(changeData['cart.changed'].parse(outcomes[0]?.changeData)).toEqual({ customerId: 'ana' });
  });

  it('leaves a tombstone for quantity 0, which an older edit does not undo', () => {
    const group = stocked();
    group.write(arrivedOf([edit(2, 'cafe', 0)]));
    expect(group.write(arrivedOf([edit(1, 'cafe', 5)])).cartItems).toEqual([]);
    expect(group.cartItems.get('ana\ncafe')).toMatchObject({ quantity: 0, stamp: stampAt(2) });
  });

  it('does not put anything back that was made before the cart was cleared', () => {
    const group = stocked();
    const { replies } = group.write(arrivedOf([clear(5), edit(4, 'cafe', 1), edit(6, 'mate', 1), clear(3)]));
    expect(replies.map((reply) => reply.type === 'outcome' && reply.result['applied'])).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([...group.carts.values()]).toMatchObject([{ customerId: 'ana', clearedStamp: stampAt(5) }]);
  });
});

describe('a cart of as many products as it keeps', () => {
  const full = (group: MemoryGroup, quantityOf: (index: number) => number) => {
    const edits = Array.from({ length: MAX_CART_PRODUCTS }, (_, index) => edit(index, `p-${index}`, quantityOf(index)));
    group.write(arrivedOf(edits));
  };
  const kept = (group: MemoryGroup) => new Set([...group.cartItems.values()].map(({ productId }) => productId));

  it('takes no other one, says so, and goes on taking edits of those that it has', () => {
    const group = new MemoryGroup();
    full(group, () => 1);
    const { replies, cartItems } = group.write(arrivedOf([edit(1000, 'more', 1), edit(1001, 'p-7', 2)]));
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'cart-full', productsMax: MAX_CART_PRODUCTS } },
      { status: 'done', result: { applied: true } },
    ]);
    expect(cartItems).toMatchObject([{ productId: 'p-7', quantity: 2 }]);
    expect(outcomeResults['cart.edit'].parse({ reason: 'cart-full' })).toEqual({ reason: 'cart-full' });
  });

  it('gives up what was taken out first, in one batch or in several, and never what is in it', () => {
    const news = Array.from({ length: 10 }, (_, index) => edit(1000 + index, `new-${index}`, index % 2));
    for (const batches of [[news], news.map((one) => [one])]) {
      const group = new MemoryGroup();
      full(group, (index) => (index < 6 ? 0 : 1));
      const replies = batches.flatMap((batch) => group.write(arrivedOf(batch)).replies);
      expect(replies.every((reply) => reply.type === 'outcome' && reply.status === 'done')).toBe(true);
      expect(group.cartItems.size).toBe(MAX_CART_PRODUCTS);
      const wanted = new Set(Array.from({ length: MAX_CART_PRODUCTS - 6 }, (_, index) => `p-${index + 6}`));
      for (const index of [1, 3, 5, 7, 9]) wanted.add(`new-${index}`);
      wanted.add('new-8');
      expect(kept(group)).toEqual(wanted);
    }
  });

  it('keeps a product that was given up and put in again in one batch', () => {
    const group = new MemoryGroup();
    full(group, (index) => (index < 2 ? 0 : 1));
    group.write(arrivedOf([edit(1000, 'new', 1), edit(1001, 'p-0', 3)]));
    expect(group.cartItems.get('ana\np-0')).toMatchObject({ quantity: 3 });
    expect([group.cartItems.has('ana\np-1'), group.cartItems.size]).toEqual([false, MAX_CART_PRODUCTS]);
  });
});

describe('cart.checkout', () => {
  it('orders what the cart holds as of its stamp, by product id, and leaves what was put in since', () => {
    const group = stocked();
    group.write(arrivedOf([edit(2, 'mate', 1), edit(1, 'cafe', 2), edit(9, 'te', 1)]));
    const checkout = checkOut('ana', { stamp: stampAt(5), branchId: 'sucursal-1' });
    const { outcomes, orders, carts, movements } = group.write(arrivedOf([checkout]));
    const lines = [
      { productId: 'cafe', name: 'cafe', quantity: 2, unitPriceCents: 100 },
      { productId: 'mate', name: 'mate', quantity: 1, unitPriceCents: 100 },
    ];
    const result = { orderId: checkout.id, status: 'confirmed', lines, totalCents: 300 };
    expect(outcomes).toMatchObject([{ kind: 'cart.checkout', status: 'done', topic: 'orders', result }]);
    expect(orders).toMatchObject([{ lines, branchId: 'sucursal-1', placedAt: '2026-11-24T12:00:00.005Z' }]);
    expect(carts).toEqual([{ customerId: 'ana', bucket: bucketOf('ana', BUCKETS), clearedStamp: stampAt(5) }]);
    expect(movements).toHaveLength(2);

    const again = checkOut('ana', { stamp: stampAt(8), idempotencyKey: 'again' });
    expect(group.write(arrivedOf([again])).replies).toMatchObject([
      { status: 'refused', result: { reason: 'cart-empty' } },
    ]);
  });

  it('sees the edits that came before it in its batch', () => {
    const { orders } = stocked().write(
      arrivedOf([edit(1, 'cafe', 1), checkOut('ana', { stamp: stampAt(2) }), edit(3, 'mate', 1)]),
    );
    expect(orders).toMatchObject([{ status: 'confirmed', lines: [{ productId: 'cafe', quantity: 1 }] }]);
  });

  it('refuses an empty cart without an order', () => {
    const group = stocked();
    const { outcomes, orders } = group.write(arrivedOf([edit(1, 'cafe', 0), checkOut('ana', { stamp: stampAt(2) })]));
    expect(outcomes[1]).toMatchObject({ status: 'refused', result: { reason: 'cart-empty' }, topic: null });
    expect(outcomeResults['cart.checkout'].parse(outcomes[1]?.result)).toEqual({ reason: 'cart-empty' });
    expect(orders).toEqual([]);
  });

  it('leaves the cart as it was when the order is rejected', () => {
    const group = stocked();
    const { orders, carts } = group.write(
      arrivedOf([
        placeOrder('bo', { mate: 4 }),
        edit(0, 'mate', 1),
        edit(1, 'cafe', 1),
        checkOut('ana', { stamp: stampAt(2) }),
      ]),
    );
    expect(orders[1]).toMatchObject({ status: 'rejected', short: [{ productId: 'mate', asked: 1, available: 0 }] });
    expect(carts).toEqual([]);
    const later = checkOut('ana', { stamp: stampAt(4), idempotencyKey: 'later' });
    expect(group.write(arrivedOf([edit(3, 'mate', 0), later])).orders).toMatchObject([
      { status: 'confirmed', lines: [{ productId: 'cafe' }] },
    ]);
  });

  it('refuses a cart of more products than an order takes, and says how many', () => {
    const group = new MemoryGroup();
    const products = Array.from({ length: 201 }, (_, index) => `p-${index}`);
    group.write(arrivedOf(products.map((productId) => create(productId, 1))));
    group.write(arrivedOf(products.map((productId, index) => edit(index, productId, 1))));
    const { replies, orders, movements } = group.write(arrivedOf([checkOut('ana', { stamp: stampAt(500) })]));
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'order-too-long', lines: 201, linesMax: 200 } },
    ]);
    expect([...orders, ...movements]).toEqual([]);

    const smaller = checkOut('ana', { stamp: stampAt(500), idempotencyKey: 'smaller' });
    expect(group.write(arrivedOf([edit(400, 'p-7', 0), smaller])).replies[1]).toMatchObject({ status: 'done' });
  });
});
