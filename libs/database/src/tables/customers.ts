import { rowLists } from '@eco/domain';
import { nullable, smallint, text, timestamptz } from './columns.js';
import { loadBy } from './load.js';
import { insertInto } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

export const customerTable = defineTable({
  name: 'eco.customer',
  rows: 'customers',
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
  stores: { customers: insertInto('store customers', customerTable, rowLists.customers) },
  load: loadBy('load customers', customerTable, 'customerId', 'customerIds', ['customerId'], ({ customerId }, state) =>
    state.customers.add(customerId),
  ),
};
