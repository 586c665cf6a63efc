import { changesOfType, defineConsumer } from '@eco/consumers';
import { CentralCustomer } from './customer.entity.js';

/** Central's own table of customers: those of all groups and branches together. */
export const customersConsumer = defineConsumer({
  name: 'customers',
  entities: [CentralCustomer],
  paceMs: 200,
  async apply(manager, changes) {
    const customers = changesOfType(changes, 'customer.registered').map(({ data }) => ({
      customerId: data.customerId,
      name: data.name,
      email: data.email,
      branchId: data.branchId,
      registeredAt: new Date(data.registeredAt),
    }));
    await manager.getRepository(CentralCustomer).upsert(customers, ['customerId']);
  },
});
