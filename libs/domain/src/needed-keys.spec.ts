import { decidable, neededKeys } from './needed-keys.js';
import { readCommands } from './read-commands.js';
import { arrivedOf, checkOut, command, placeOrder, reserve, transfer } from './test/commands.js';

describe('neededKeys', () => {
  it('names each key once, and of unreadable commands only the id', () => {
    const order = placeOrder('ana', { cafe: 1, mate: 1 });
    const commands = [
      order,
      placeOrder('bo', { mate: 2, te: 1 }),
      order,
      command('cart.edit', { customerId: 'ana', productId: 'yerba', quantity: 1 }),
      command('cart.clear', { customerId: 'bo' }),
      checkOut('ana'),
      command('customer.register', { customerId: 'cy', name: 'Cy', email: 'cy@example.com', branchId: null }),
      command('product.create', { productId: 'pan', name: 'Pan', priceCents: 1, stock: 1 }),
      command('product.update', { productId: 'pan', name: 'Pan', priceCents: 2 }),
      command('product.delete', { productId: 'sal' }),
    ];
    const unreadable = readCommands('nothing', 'central');
    const ids = [...commands.map(({ id }) => id), ...unreadable.map((one) => !one.readable && one.commandId)];
    expect(neededKeys([...arrivedOf(commands), ...unreadable])).toEqual({
      commandIds: [...new Set(ids)],
      productIds: ['cafe', 'mate', 'te', 'yerba', 'pan', 'sal'],
      customerIds: ['cy'],
      cartCustomerIds: ['ana', 'bo'],
      checkOutCustomerIds: ['ana'],
      orderIds: [],
      reservationIds: [],
      reservingCustomerIds: [],
      transferIds: [],
      stockProductIds: [],
      locations: [],
      holderIds: [],
      places: [],
      saleIds: [],
      shiftIds: [],
    });
  });

  it('names the orders, reservations and transfers that commands refer to, and the ids they were made under', () => {
    const [orderId, reservationId] = [placeOrder('ana', { cafe: 1 }).id, reserve('ana', { te: 1 }).id];
    const sent = transfer({ productId: 'sal', from: 'central', to: 'sucursal-1', quantity: 1 });
    const commands = [
      command('order.cancel', { orderId, customerId: 'ana' }),
      command('reservation.release', { reservationId, customerId: 'ana' }),
      sent,
      command('transfer.receive', { transferId: sent.id, productId: 'sal' }),
    ];
    expect(neededKeys(arrivedOf(commands))).toMatchObject({
      commandIds: expect.arrayContaining([orderId, reservationId]) as string[],
      productIds: ['sal'],
      orderIds: [orderId],
      reservationIds: [reservationId],
      transferIds: [sent.id],
      stockProductIds: ['sal'],
      locations: ['central', 'sucursal-1'],
    });
  });
});

describe('decidable', () => {
  const none = { orderIds: new Set<string>(), reservationIds: new Set<string>(), cartCustomerIds: new Set<string>() };
  const arrived = arrivedOf([
    command('cart.edit', { customerId: 'ana', productId: 'te', quantity: 1 }),
    command('cart.edit', { customerId: 'bo', productId: 'te', quantity: 1 }),
    placeOrder('cy', { te: 1 }),
    checkOut('ana'),
  ]);
  const inOneQueue = arrived.map((one) => ({ arrived: one, queue: 'orders' }));

  it('is the whole batch when everything was loaded', () => {
    expect(decidable(inOneQueue, none)).toBe(inOneQueue);
  });

  it('ends in each queue before the first command that needs data that was not loaded', () => {
    const leftOut = { ...none, cartCustomerIds: new Set(['bo']) };
    expect(decidable(inOneQueue, leftOut)).toEqual(inOneQueue.slice(0, 1));
    const inTwo = arrived.map((one, index) => ({ arrived: one, queue: index === 1 ? 'products' : 'orders' }));
    expect(decidable(inTwo, leftOut)).toEqual([inTwo[0], inTwo[2], inTwo[3]]);
  });
});
