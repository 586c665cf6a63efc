import { changeData, outcomeResults } from '@eco/contracts';
import { arrivedOf, command } from '../test/commands.js';
import { MemoryGroup } from '../test/memory-group.js';

const ana = { customerId: 'ana', name: 'Ana Torres', email: 'ana@example.com', branchId: 'sucursal-1' };
const register = command('customer.register', ana);
const rename = command('customer.update', { customerId: 'ana', name: 'Ana Torres Gil' });
const move = command('customer.update', { customerId: 'ana', email: 'ana@example.org' });

describe('customer.update', () => {
  it('changes only the fields that it states, so that a new address does not undo a new name', () => {
    const group = new MemoryGroup();
    group.write(arrivedOf([register]));
    const { outcomes, changedCustomers } = group.write(arrivedOf([rename, move]));
    expect(changedCustomers).toMatchObject([{ customerId: 'ana', name: 'Ana Torres Gil', email: 'ana@example.org' }]);
    expect(outcomes).toMatchObject([
      {
        status: 'done',
        result: { customerId: 'ana' },
        topic: 'customers',
        changeType: 'customer.updated',
        changeData: { ...ana, name: 'Ana Torres Gil' },
      },
      { changeData: { ...ana, name: 'Ana Torres Gil', email: 'ana@example.org' } },
    ]);
    expect(changeData['customer.updated'].parse(outcomes[0]?.changeData)).toEqual(outcomes[0]?.changeData);
  });

  it('changes a customer of the same batch in its row', () => {
    const { customers, changedCustomers } = new MemoryGroup().write(arrivedOf([register, rename]));
    expect(customers).toMatchObject([{ ...ana, name: 'Ana Torres Gil' }]);
    expect(changedCustomers).toEqual([]);
  });

  it('refuses who is not registered, or was erased', () => {
    const group = new MemoryGroup();
    const { outcomes } = group.write(arrivedOf([rename]));
    expect(outcomes).toMatchObject([{ status: 'refused', result: { reason: 'customer-unknown' }, topic: null }]);
    expect(outcomeResults['customer.update'].parse(outcomes[0]?.result)).toEqual({ reason: 'customer-unknown' });
    const erase = command('customer.erase', { customerId: 'ana' });
    const after = group.write(arrivedOf([register, move, erase, { ...rename, id: rename.id.replace(/^./, 'f') }]));
    expect(after.replies.map(({ type, ...reply }) => 'status' in reply && reply.status)).toEqual([
      'done',
      'done',
      'done',
      'refused',
    ]);
  });
});
