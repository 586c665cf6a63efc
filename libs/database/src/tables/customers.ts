import { rowLists } from '@eco/domain';
import { nullable, smallint, text, timestamptz } from './columns.js';
import { loadBy } from './load.js';
import { insertInto, updateOf } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

export const customerTable = defineTable({
  name: 'eco.customer',
  rows: 'customers',
  // Their outcomes hold the customer's name and address, which an erasure empties.
  formerSeqs: 'former_seqs',
  columns: {
    customerId: text('customer_id'),
    registeredAt: timestamptz('registered_at'),
    bucket: smallint('bucket'),
    name: text('name'),
    email: text('email'),
    branchId: nullable(text('branch_id')),
  },
});

export const customers: TablesOf<'customers'> = {
  tables: [customerTable],
  stores: {
    customers: insertInto('store customers', customerTable, rowLists.customers),
    changedCustomers: updateOf('store changed customers', customerTable, rowLists.changedCustomers, {
      fields: ['customerId', 'name', 'email'],
    }),
  },
  load: loadBy(
    'load customers',
    customerTable,
    'customerId',
    'customerIds',
    ['customerId', 'name', 'email', 'branchId', 'registeredAt'],
    (customer, state) => state.customers.set(customer.customerId, customer),
  ),
};
