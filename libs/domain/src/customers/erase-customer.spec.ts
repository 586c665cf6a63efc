import { changeData } from '@eco/contracts';
import { arrivedOf, command, placeOrder, stampAt } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

const ana = { customerId: 'ana', name: 'Ana Torres', email: 'ana@example.com', branchId: null };
const register = command('customer.register', ana);
const erase = command('customer.erase', { customerId: 'ana' });
const again = command('customer.erase', { customerId: 'ana' }, { idempotencyKey: 'again' });

describe('customer.erase', () => {
  it('deletes the customer, and keeps the id, the command and the actor', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([register]));
    const actor = { id: 'bo', branchId: null };
    const { outcomes, erasures } = group.write(arrivedOf([{ ...erase, actor }]));
    expect(outcomes).toMatchObject([
      { status: 'done', result: { customerId: 'ana' }, topic: 'customers', changeType: 'customer.erased' },
    ]);
    expect(changeData['customer.erased'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
    expect(erasures).toMatchObject([{ customerId: 'ana', commandId: erase.id, by: 'bo' }]);
    expect(group.stored.customers.size).toBe(0);
  });

  it('refuses a registration under the id from then on, however old or new, also in the same batch', () => {
    const group = new MemoryGroup();
    const late = command('customer.register', ana, { idempotencyKey: 'late', stamp: stampAt(-86_400_000) });
    const { outcomes } = group.write(arrivedOf([register, erase, late]));
    expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done', 'refused']);
    expect(outcomes[2]).toMatchObject({ result: { reason: 'customer-erased' }, changeData: null });
    const newer = command('customer.register', ana, { idempotencyKey: 'newer' });
    expect(group.write(arrivedOf([newer])).outcomes).toMatchObject([{ result: { reason: 'customer-erased' } }]);
    expect(group.stored.customers.size).toBe(0);
  });

  it('refuses a registration that arrives only afterwards', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([erase]));
    expect(group.write(arrivedOf([register])).outcomes).toMatchObject([{ result: { reason: 'customer-erased' } }]);
  });

  it('may be repeated: one erasure stays, and copies are emptied again', () => {
    const group = new MemoryGroup();
    const first = group.write(arrivedOf([register, erase, again]));
    expect(first.erasures).toHaveLength(1);
    expect(first.removedCustomers).toEqual([{ customerId: 'ana' }]);
    const other = command('customer.erase', { customerId: 'ana' }, { idempotencyKey: 'once more' });
    const second = group.write(arrivedOf([other]));
    expect(second.erasures).toEqual([]);
    expect(second.removedCustomers).toEqual([{ customerId: 'ana' }]);
    expect(group.stored.erasures.get('ana')).toMatchObject({ commandId: erase.id });
  });

  it('leaves orders as they are, and accepts those that arrive late', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([command('product.create', { productId: 'te', name: 'Te', priceCents: 100, stock: 5 })]));
    const [early, late] = [placeOrder('ana', { te: 1 }), placeOrder('ana', { te: 2 })];
    group.write(arrivedOf([early]));
    group.write(arrivedOf([erase, late]));
    expect([...group.stored.orders.values()]).toMatchObject([
      { orderId: early.id, customerId: 'ana', status: 'confirmed', totalCents: 100 },
      { orderId: late.id, customerId: 'ana', status: 'confirmed', totalCents: 200 },
    ]);
  });
});
