import { neededKeys } from './needed-keys.js';
import { readCommands } from './read-commands.js';
import { arrivedOf, checkOut, command, placeOrder } from './test/commands.js';

describe('neededKeys', () => {
  it('names each key once, of what is not readable its id alone', () => {
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
    const unreadable = readCommands('nothing');
    const ids = [...commands.map(({ id }) => id), ...unreadable.map((one) => !one.readable && one.commandId)];
    expect(neededKeys([...arrivedOf(commands), ...unreadable])).toEqual({
      commandIds: [...new Set(ids)],
      productIds: ['cafe', 'mate', 'te', 'yerba', 'pan', 'sal'],
      customerIds: ['cy'],
      cartCustomerIds: ['ana', 'bo'],
      checkOutCustomerIds: ['ana'],
    });
  });
});
