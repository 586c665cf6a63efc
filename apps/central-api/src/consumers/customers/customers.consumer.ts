import { changesOfType, defineConsumer } from '@eco/consumers';
import { CentralCustomer } from './customer.entity.js';

/** Central's own table of customers: those of all groups and branches together. */
export const customersConsumer = defineConsumer({
  name: 'customers',
  entities: [CentralCustomer],
  paceMs: 200,
  async apply(manager, changes) {
    const changed = changesOfType(changes, 'customer.registered', 'customer.updated');
    // The last change of a customer, because a statement may not write a row twice.
    const customers = new Map(
      changed.map(({ data: { customerId, name, email, branchId, registeredAt } }) => [
        customerId,
        { customerId, name, email, branchId, registeredAt: new Date(registeredAt) },
      ]),
    );
    await manager.getRepository(CentralCustomer).upsert([...customers.values()], ['customerId']);
    const erased = changesOfType(changes, 'customer.erased').map(({ data }) => data.customerId);
    if (erased.length === 0) return;
    await manager.getRepository(CentralCustomer).delete(erased);
    // Accounts are in the same database, so they are erased in the same transaction.
    await manager.query('SELECT identity.erase_customers($1::text[])', [erased]);
  },
});
