import { changeData, outcomeResults } from '@eco/contracts';
import { bucketOf } from '@eco/routing';
import { arrivedOf, command, stampAt } from '../test/commands.js';
import { BUCKETS, MemoryGroup } from '../test/memory-group.js';

const ana = { customerId: 'ana', name: 'Ana Torres', email: 'ana@example.com', branchId: 'sucursal-1' };

describe('customer.register', () => {
  it('adds the customer with the time of the request', () => {
    const register = command('customer.register', ana, { stamp: stampAt(-86_400_000) });
    const { outcomes, customers } = new MemoryGroup().write(arrivedOf([register]));
    const registeredAt = '2026-11-23T12:00:00.000Z';
    expect(customers).toEqual([{ ...ana, bucket: bucketOf('ana', BUCKETS), registeredAt }]);
    expect(outcomes).toMatchObject([
      {
        status: 'done',
        result: { customerId: 'ana' },
        topic: 'customers',
        changeType: 'customer.registered',
        changeData: { ...ana, registeredAt, emailConfirmed: false },
      },
    ]);
    expect(changeData['customer.registered'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
  });

  it.each([
    [null, true, true],
    [null, undefined, false],
    ['sucursal-1', true, false],
  ])('of %j with emailConfirmed %j counts as confirmed: %j', (branchId, stated, confirmed) => {
    const body = { ...ana, branchId, ...(stated && { emailConfirmed: stated }) };
    const { outcomes } = new MemoryGroup().write(arrivedOf([command('customer.register', body)]));
    expect(outcomes).toMatchObject([{ changeData: { emailConfirmed: confirmed } }]);
  });

  it('refuses a registered customer, also from the same batch, and keeps the first', () => {
    const group = new MemoryGroup();
    const [first, second, third] = ['1', '2', '3'].map((idempotencyKey) =>
      command('customer.register', { ...ana, name: idempotencyKey }, { idempotencyKey }),
    ) as [ReturnType<typeof command>, ReturnType<typeof command>, ReturnType<typeof command>];
    const { outcomes } = group.write(arrivedOf([first, second]));
    expect(outcomes[1]).toMatchObject({ status: 'refused', result: { reason: 'customer-exists' }, topic: null });
    expect(outcomeResults['customer.register'].parse(outcomes[1]?.result)).toEqual({ reason: 'customer-exists' });
    expect(group.write(arrivedOf([third])).outcomes).toMatchObject([{ result: { reason: 'customer-exists' } }]);
    expect(group.stored.customers.get('ana')).toMatchObject({ name: '1' });
  });
});
