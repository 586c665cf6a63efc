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
    const erased = changesOfType(changes, 'customer.erased').map(({ data }) => data.customerId);
    if (erased.length === 0) return;
    await manager.getRepository(CentralCustomer).delete(erased);
    // Accounts are in the same database, so they are erased in the same transaction.
    await manager.query('SELECT identity.erase_customers($1::text[])', [erased]);
  },
});
