import fc from 'fast-check';
import { changeData, MAX_ORDER_LINES, MAX_CART_PRODUCTS, outcomeResults, STAMP_AHEAD_MS_MAX } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { arrivedOf, checkOut, command, NOON_MS, placeOrder, stampAt } from '../test/commands.js';
import type { CartItemRow } from './cart.js';
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

/** A minute after the commands of the specs, so every stamp is in the past and none within the last second. */
const AT = '2026-11-24T12:01:00.000Z';

function stocked(): MemoryGroup {
  const group = new MemoryGroup(AT);
  group.write(arrivedOf([create('cafe', 10), create('mate', 4)]));
  return group;
}

describe('cart.edit', () => {
  it('keeps the edit with the highest stamp, in one row per product', () => {
    const { replies, cartItems, outcomes } = stocked().write(
      arrivedOf([edit(2, 'cafe', 2), edit(1, 'cafe', 1), edit(3, 'cafe', 3)]),
    );
    expect(replies.map((reply) => reply.type === 'outcome' && reply.result['applied'])).toEqual([true, false, true]);
    expect(cartItems).toEqual([
      {
        customerId: 'ana',
        productId: 'cafe',
        quantity: 3,
        stamp: stampAt(3),
        ordered: null,
        bucket: bucketOf('ana', BUCKETS),
      },
    ]);
    expect(outcomes.map(({ topic, changeType, n }) => [topic, changeType, n])).toEqual([
      ['carts', 'cart.changed', 1],
      [null, null, 0],
      ['carts', 'cart.changed', 2],
    ]);
    for (const { result } of outcomes) expect(outcomeResults['cart.edit'].parse(result)).toEqual(result);
    expect(changeData['cart.changed'].parse(outcomes[0]?.changeData)).toEqual({ customerId: 'ana' });
  });

  it('keeps a tombstone for quantity 0, which an older edit does not undo', () => {
    const group = stocked();
    group.write(arrivedOf([edit(2, 'cafe', 0)]));
    expect(group.write(arrivedOf([edit(1, 'cafe', 5)])).cartItems).toEqual([]);
    expect(group.stored.cartItems.get('ana\ncafe')).toMatchObject({ quantity: 0, stamp: stampAt(2) });
  });

  it('ignores edits that were made before the cart was cleared', () => {
    const group = stocked();
    const { replies } = group.write(arrivedOf([clear(5), edit(4, 'cafe', 1), edit(6, 'mate', 1), clear(3)]));
    expect(replies.map((reply) => reply.type === 'outcome' && reply.result['applied'])).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([...group.stored.carts.values()]).toMatchObject([{ customerId: 'ana', clearedStamp: stampAt(5) }]);
  });
});

describe('a full cart', () => {
  /** A cart with room for products, of which the first ones were removed, so that it has as many rows as it may. */
  const fullOfRemoved = (group: MemoryGroup) => {
    const quantityOf = (index: number) => (index < MAX_CART_PRODUCTS - 100 ? 0 : 1);
    const edits = Array.from({ length: MAX_CART_PRODUCTS }, (_, index) => edit(index, `p-${index}`, quantityOf(index)));
    group.write(arrivedOf(edits));
  };
  const fullOfItems = (group: MemoryGroup, count: number = MAX_ORDER_LINES) =>
    group.write(arrivedOf(Array.from({ length: count }, (_, index) => edit(index, `p-${index}`, 1))));
  const kept = (group: MemoryGroup) => new Set([...group.stored.cartItems.values()].map(({ productId }) => productId));

  it('refuses another product with a reason, and accepts edits of its own products', () => {
    const group = new MemoryGroup();
    fullOfItems(group);
    const { replies, cartItems } = group.write(arrivedOf([edit(1000, 'more', 1), edit(1001, 'p-7', 2)]));
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'cart-full', productsMax: MAX_ORDER_LINES } },
      { status: 'done', result: { applied: true } },
    ]);
    expect(cartItems).toMatchObject([{ productId: 'p-7', quantity: 2 }]);
    expect(outcomeResults['cart.edit'].parse({ reason: 'cart-full' })).toEqual({ reason: 'cart-full' });
  });

  it('accepts removals, also of products that it never had, and then as many others', () => {
    const group = new MemoryGroup();
    fullOfItems(group);
    const { replies } = group.write(
      arrivedOf([edit(1000, 'never', 0), edit(1001, 'p-7', 0), edit(1002, 'more', 1), edit(1003, 'p-7', 1)]),
    );
    expect(replies).toMatchObject([
      { status: 'done', result: { applied: true } },
      { status: 'done', result: { applied: true } },
      { status: 'done', result: { applied: true } },
      { status: 'refused', result: { reason: 'cart-full' } },
    ]);
  });

  it('has room again when it was cleared or ordered', () => {
    for (const emptied of [clear(900), checkOut('ana', { stamp: stampAt(900) })]) {
      const group = new MemoryGroup(AT);
      group.write(arrivedOf(Array.from({ length: MAX_ORDER_LINES }, (_, index) => create(`p-${index}`, 1))));
      fullOfItems(group);
      const { replies } = group.write(arrivedOf([emptied, edit(1000, 'more', 1)]));
      expect(replies.at(-1)).toMatchObject({ status: 'done', result: { applied: true } });
    }
  });

  it('never has more products than an order may have, whatever the edits', () => {
    const someEdit = fc.record({ product: fc.nat(MAX_ORDER_LINES + 20), quantity: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(someEdit, { maxLength: 60 }), (edits) => {
        const group = new MemoryGroup();
        fullOfItems(group, MAX_ORDER_LINES - 3);
        group.write(
          arrivedOf(edits.map(({ product, quantity }, index) => edit(1000 + index, `p-${product}`, quantity))),
        );
        const items = [...group.stored.cartItems.values()].filter(({ quantity }) => quantity > 0);
        expect(items.length).toBeLessThanOrEqual(MAX_ORDER_LINES);
      }),
      { numRuns: 20 },
    );
  });

  it('drops the item that was removed first, in one batch or several, and never an item in the cart', () => {
    const news = Array.from({ length: 10 }, (_, index) => edit(1000 + index, `new-${index}`, index % 2));
    for (const batches of [[news], news.map((one) => [one])]) {
      const group = new MemoryGroup();
      fullOfRemoved(group);
      const replies = batches.flatMap((batch) => group.write(arrivedOf(batch)).replies);
      expect(replies.every((reply) => reply.type === 'outcome' && reply.status === 'done')).toBe(true);
      expect(group.stored.cartItems.size).toBe(MAX_CART_PRODUCTS);
      const wanted = new Set(Array.from({ length: MAX_CART_PRODUCTS - 10 }, (_, index) => `p-${index + 10}`));
      for (let index = 0; index < 10; index += 1) wanted.add(`new-${index}`);
      expect(kept(group)).toEqual(wanted);
    }
  });

  it('keeps a product that was dropped and added again in one batch', () => {
    const group = new MemoryGroup();
    fullOfRemoved(group);
    group.write(arrivedOf([edit(1000, 'new', 1), edit(1001, 'p-0', 3)]));
    expect(group.stored.cartItems.get('ana\np-0')).toMatchObject({ quantity: 3 });
    expect([group.stored.cartItems.has('ana\np-1'), group.stored.cartItems.size]).toEqual([false, MAX_CART_PRODUCTS]);
  });
});

describe('cart.checkout', () => {
  it('orders the cart’s content as of its stamp, by product id, and keeps later items', () => {
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
    expect(carts).toEqual([]);
    expect(movements).toHaveLength(2);
    expect(group.stored.cartItems.get('ana\nte')).toMatchObject({ quantity: 1, stamp: stampAt(9) });

    const again = checkOut('ana', { stamp: stampAt(8), idempotencyKey: 'again' });
    expect(group.write(arrivedOf([again])).replies).toMatchObject([
      { status: 'refused', result: { reason: 'cart-empty' } },
    ]);
  });

  it('sees earlier edits of its batch', () => {
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

  it('does not change the cart when the order is rejected', () => {
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

  it('refuses a cart from before the limit, with more products than an order may have, and states how many', () => {
    const group = new MemoryGroup(AT);
    const products = Array.from({ length: 201 }, (_, index) => `p-${index}`);
    group.write(arrivedOf(products.map((productId) => create(productId, 1))));
    group.write(arrivedOf(products.slice(1).map((productId, index) => edit(index, productId, 1))));
    const one = group.stored.cartItems.get('ana\np-1') as CartItemRow;
    group.stored.cartItems.set('ana\np-0', { ...one, productId: 'p-0' });
    const { replies, orders, movements } = group.write(arrivedOf([checkOut('ana', { stamp: stampAt(500) })]));
    expect(replies).toMatchObject([
      { status: 'refused', result: { reason: 'order-too-long', lines: 201, linesMax: 200 } },
    ]);
    expect([...orders, ...movements]).toEqual([]);

    const smaller = checkOut('ana', { stamp: stampAt(500), idempotencyKey: 'smaller' });
    expect(group.write(arrivedOf([edit(400, 'p-7', 0), smaller])).replies[1]).toMatchObject({ status: 'done' });
  });
});

/** The result of a command, without the fields common to all. */
function resultsOf({ replies }: { replies: { type: string; result?: Record<string, unknown> }[] }) {
  return replies.map(({ result }) => result);
}
const at = (afterMs: number) => new Date(NOON_MS + afterMs).toISOString();

describe('an edit that arrives after a checkout that did not see it', () => {
  it('stays in the cart when the checkout ordered other products', () => {
    const group = stocked();
    group.write(arrivedOf([edit(1, 'cafe', 1)]));
    const checkout = checkOut('ana', { stamp: stampAt(20) });
    expect(group.write(arrivedOf([checkout])).orders).toMatchObject([{ lines: [{ productId: 'cafe' }] }]);
    expect(resultsOf(group.write(arrivedOf([edit(10, 'mate', 2)])))).toEqual([{ applied: true }]);
    const next = checkOut('ana', { stamp: stampAt(30), idempotencyKey: 'next' });
    expect(group.write(arrivedOf([next])).orders).toMatchObject([{ lines: [{ productId: 'mate', quantity: 2 }] }]);
  });

  it('stays in the cart when it is newer than the ordered edit of its product', () => {
    const group = stocked();
    group.write(arrivedOf([edit(10, 'cafe', 2), checkOut('ana', { stamp: stampAt(20) })]));
    expect(resultsOf(group.write(arrivedOf([edit(15, 'cafe', 3)])))).toEqual([{ applied: true }]);
    const next = checkOut('ana', { stamp: stampAt(30), idempotencyKey: 'next' });
    expect(group.write(arrivedOf([next])).orders).toMatchObject([{ lines: [{ productId: 'cafe', quantity: 3 }] }]);
  });

  it('is not sold twice: an older edit is superseded by the ordered one, and names the order', () => {
    const group = stocked();
    const ordered = edit(10, 'cafe', 2);
    const checkout = checkOut('ana', { stamp: stampAt(20) });
    group.write(arrivedOf([ordered, checkout]));
    const { replies } = group.write(arrivedOf([ordered, edit(5, 'cafe', 4)]));
    expect(replies).toMatchObject([
      { repeated: true, result: { applied: true } },
      { result: { applied: false, reason: 'ordered', stamp: stampAt(10), orderId: checkout.id } },
    ]);
    const next = checkOut('ana', { stamp: stampAt(30), idempotencyKey: 'next' });
    expect(resultsOf(group.write(arrivedOf([next])))).toEqual([{ reason: 'cart-empty' }]);
  });

  it('names the order of the product that it wanted to remove, and undoes nothing', () => {
    const group = stocked();
    const checkout = checkOut('ana', { stamp: stampAt(20) });
    group.write(arrivedOf([edit(10, 'cafe', 2), checkout]));
    const { replies, outcomes } = group.write(arrivedOf([edit(15, 'cafe', 0), clear(16), edit(12, 'cafe', 1)]));
    const ordered = { reason: 'ordered', stamp: stampAt(20), orderId: checkout.id };
    expect(resultsOf({ replies })).toEqual([
      { applied: false, ...ordered },
      { applied: true, ...ordered },
      { applied: false, reason: 'cleared', stamp: stampAt(16) },
    ]);
    for (const { kind, result } of outcomes) expect(outcomeResults[kind].parse(result)).toEqual(result);
    // This edit was made after the checkout, so it does not concern the ordered items.
    expect(resultsOf(group.write(arrivedOf([edit(40, 'cafe', 0)])))).toEqual([{ applied: true }]);
  });

  it('reports the stamp of the edit or clear that superseded it', () => {
    const group = stocked();
    group.write(arrivedOf([clear(5), edit(8, 'cafe', 2)]));
    expect(resultsOf(group.write(arrivedOf([edit(4, 'mate', 1), edit(7, 'cafe', 1), clear(3)])))).toEqual([
      { applied: false, reason: 'cleared', stamp: stampAt(5) },
      { applied: false, reason: 'superseded', stamp: stampAt(8) },
      { applied: false, reason: 'cleared', stamp: stampAt(5) },
    ]);
  });
});

describe('clocks that differ', () => {
  it('a checkout orders an earlier edit although the edit is stamped 3 s ahead', () => {
    const group = stocked();
    group.at = at(100_000);
    group.write(arrivedOf([edit(103_000, 'cafe', 1)]));
    group.at = at(100_020);
    const { orders } = group.write(arrivedOf([checkOut('ana', { stamp: stampAt(100_015) })]));
    expect(orders).toMatchObject([{ status: 'confirmed', lines: [{ productId: 'cafe', quantity: 1 }] }]);
  });

  it('a checkout orders earlier edits of its batch although its own clock is half a second behind', () => {
    const group = stocked();
    group.at = at(100_000);
    const { orders } = group.write(arrivedOf([edit(99_990, 'cafe', 1), checkOut('ana', { stamp: stampAt(99_500) })]));
    expect(orders).toMatchObject([{ status: 'confirmed', lines: [{ productId: 'cafe' }] }]);
  });

  it('an edit by a correct clock counts after one that was stamped ahead, also within a batch', () => {
    const group = stocked();
    group.at = at(100_000);
    const ahead = edit(103_000, 'cafe', 5);
    expect(resultsOf(group.write(arrivedOf([ahead, edit(99_995, 'cafe', 2)])))).toEqual([
      { applied: true },
      { applied: true },
    ]);
    group.at = at(101_000);
    expect(resultsOf(group.write(arrivedOf([edit(100_995, 'cafe', 3)])))).toEqual([{ applied: true }]);
    expect(group.stored.cartItems.get('ana\ncafe')).toMatchObject({ quantity: 3, stamp: stampAt(100_995) });
  });

  it('edits stamped ahead count in arrival order', () => {
    const group = stocked();
    group.at = at(100_000);
    group.write(
      arrivedOf([edit(390_000, 'cafe', 5), edit(380_000, 'cafe', 6), clear(370_000), edit(360_000, 'mate', 1)]),
    );
    const { orders } = group.write(arrivedOf([checkOut('ana', { stamp: stampAt(99_999) })]));
    expect(orders).toMatchObject([{ lines: [{ productId: 'mate', quantity: 1 }] }]);
  });

  it('a clear that is as far ahead as a stamp may be empties the cart and blocks no later edit', () => {
    const group = stocked();
    const future = stampAt(STAMP_AHEAD_MS_MAX);
    group.write(arrivedOf([edit(1, 'cafe', 1)]));
    const cleared = command('cart.clear', { customerId: 'ana' }, { stamp: future });
    expect(resultsOf(group.write(arrivedOf([cleared])))).toEqual([{ applied: true }]);
    group.at = at(120_000);
    const checkout = checkOut('ana', { stamp: stampAt(119_999) });
    const { replies, orders } = group.write(arrivedOf([edit(119_990, 'mate', 2), checkout]));
    expect(resultsOf({ replies })[0]).toEqual({ applied: true });
    expect(orders).toMatchObject([{ status: 'confirmed', lines: [{ productId: 'mate', quantity: 2 }] }]);
    // The group's clock bounds the order's time too.
    const later = command(
      'cart.edit',
      { customerId: 'ana', productId: 'cafe', quantity: 1 },
      { stamp: stampAt(119_999) },
    );
    const farOff = checkOut('ana', { stamp: future, idempotencyKey: 'far off' });
    expect(group.write(arrivedOf([later, farOff])).orders).toMatchObject([{ placedAt: at(120_000) }]);
  });

  it('repairs a cart that future stamps blocked before stamps were bounded', () => {
    const bucket = bucketOf('ana', BUCKETS);
    const future = (year: number) => `${String(Date.UTC(year, 0, 1)).padStart(15, '0')}-00000-spec`;
    const group = stocked();
    group.stored.carts.set('ana', { customerId: 'ana', bucket, clearedStamp: future(2099) });
    const items = { customerId: 'ana', bucket, quantity: 1, ordered: null };
    group.stored.cartItems.set('ana\ncafe', { ...items, productId: 'cafe', stamp: future(2100) });
    group.stored.cartItems.set('ana\nte', { ...items, productId: 'te', stamp: future(2098) });
    group.at = at(200_000);
    expect(resultsOf(group.write(arrivedOf([edit(199_990, 'mate', 1)])))).toEqual([{ applied: true }]);
    group.at = at(201_000);
    expect(resultsOf(group.write(arrivedOf([edit(200_990, 'cafe', 3)])))).toEqual([{ applied: true }]);
    const { orders } = group.write(arrivedOf([checkOut('ana', { stamp: stampAt(200_995) })]));
    expect(orders).toMatchObject([
      {
        lines: [
          { productId: 'cafe', quantity: 3 },
          { productId: 'mate', quantity: 1 },
        ],
      },
    ]);
  });
});

describe('edits, clears and checkouts of several senders with different clocks and late messages', () => {
  const products = ['cafe', 'mate'];
  const sent = fc.record({
    /** Send time, by the group's clock. */
    sentMs: fc.integer({ min: 0, max: 8_000 }),
    /** Offset of the sender's clock. */
    skewMs: fc.constantFrom(-3_000, -400, 0, 0, 0, 300, 3_000, STAMP_AHEAD_MS_MAX),
    delayMs: fc.oneof(fc.constant(5), fc.integer({ min: 0, max: 10_000 })),
    what: fc.oneof(
      { weight: 6, arbitrary: fc.record({ productId: fc.constantFrom(...products), quantity: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.constant('clear' as const) },
      { weight: 2, arbitrary: fc.constant('checkout' as const) },
    ),
  });

  it('an acknowledged edit is ordered, in the cart, replaced by a later one, or its outcome states why not', () => {
    fc.assert(
      fc.property(fc.array(sent, { minLength: 1, maxLength: 20, size: 'max' }), (history) => {
        const group = new MemoryGroup(at(0));
        group.write(arrivedOf(products.map((productId) => create(productId, 1_000))));
        const edits: { id: string; productId: string; quantity: number }[] = [];
        // Expected state of each product: the last applied edit, and the order or clear that removed it.
        const holds = new Map<string, string>();
        const replaced = new Set<string>();
        const ordered = new Set<string>();
        const emptied = new Set<string>();
        let ordersExpected = 0;
        const arrivals = history
          .map((one, index) => ({ ...one, index, arrivesMs: one.sentMs + one.delayMs }))
          .sort((a, b) => a.arrivesMs - b.arrivesMs);
        for (const { what, index, sentMs, skewMs, arrivesMs } of arrivals) {
          group.at = at(20_000 + arrivesMs);
          const envelope = { stamp: stampAt(20_000 + sentMs + skewMs, `s${index}`), idempotencyKey: String(index) };
          if (what === 'clear') {
            const [result] = resultsOf(
              group.write(arrivedOf([command('cart.clear', { customerId: 'ana' }, envelope)])),
            );
            if (result?.['applied'] === true) {
              for (const [productId, id] of holds) {
                // A clear removes items that are not newer than it, and nothing else.
                if (group.visible('ana', productId) === undefined) {
                  emptied.add(id);
                  holds.delete(productId);
                }
              }
            }
          } else if (what === 'checkout') {
            const before = new Map(products.map((productId) => [productId, group.visible('ana', productId)]));
            const { orders } = group.write(arrivedOf([checkOut('ana', envelope)]));
            const lines = orders.flatMap((order) => order.lines);
            if (orders.length > 0) ordersExpected += 1;
            for (const { productId, quantity } of lines) {
              expect(before.get(productId)?.quantity).toBe(quantity);
              // An item that was ordered is no longer in the cart, so no order takes it again.
              expect(group.visible('ana', productId)).toBeUndefined();
              ordered.add(holds.get(productId) as string);
              holds.delete(productId);
            }
            for (const productId of products) {
              if (lines.every((line) => line.productId !== productId)) {
                expect(group.visible('ana', productId)).toEqual(before.get(productId));
              }
            }
          } else {
            const made = command('cart.edit', { customerId: 'ana', ...what }, envelope);
            const before = group.visible('ana', what.productId);
            const [result] = resultsOf(group.write(arrivedOf([made])));
            edits.push({ id: made.id, ...what });
            if (result?.['applied'] === true) {
              expect(group.visible('ana', what.productId)?.quantity ?? 0).toBe(what.quantity);
              const earlier = holds.get(what.productId);
              if (earlier !== undefined) replaced.add(earlier);
              holds.set(what.productId, made.id);
            } else {
              expect(result).toMatchObject({ applied: false, stamp: expect.any(String) as string });
              expect(['superseded', 'cleared', 'ordered']).toContain(result?.['reason']);
              expect(group.visible('ana', what.productId)).toEqual(before);
            }
          }
        }
        expect(group.stored.orders.size).toBe(ordersExpected);
        for (const { id, productId, quantity } of edits) {
          const { applied } = group.stored.outcomes.get(id)?.result as { applied: boolean };
          const inCart = holds.get(productId) === id && (group.visible('ana', productId)?.quantity ?? 0) === quantity;
          const accounts = [!applied, replaced.has(id), ordered.has(id), emptied.has(id), inCart];
          expect(accounts.filter(Boolean)).toHaveLength(1);
        }
        // Nothing blocks the cart: an edit by a correct clock is applied, and a checkout orders it.
        group.at = at(200_000);
        const last = command(
          'cart.edit',
          { customerId: 'ana', productId: 'cafe', quantity: 7 },
          { stamp: stampAt(199_990) },
        );
        const end = checkOut('ana', { stamp: stampAt(199_995), idempotencyKey: 'end' });
        expect(group.write(arrivedOf([last, end])).orders[0]?.lines).toContainEqual(
          expect.objectContaining({ productId: 'cafe', quantity: 7 }),
        );
      }),
    );
  });
});
