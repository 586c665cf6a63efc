import { rowLists, type RowOf, type RowLists } from '@eco/domain';
import { nullable, smallint, text, uuid } from './columns.js';
import { customerTable } from './customers.js';
import { loadBy } from './load.js';
import { deleteFrom, insertInto, storing, WHERE_FENCED, type StoreStatement } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

const erasureTable = defineTable({
  name: 'eco.erasure',
  rows: 'erasures',
  insertedAt: 'erased_at',
  columns: {
    customerId: text('customer_id'),
    bucket: smallint('bucket'),
    commandId: uuid('command_id'),
    by: nullable(text('actor')),
  },
});

type Removed = RowOf<RowLists['removedCustomers']>;

/** Before the customer's row is deleted, because the function finds copies by its batch and its e-mail address. */
const emptyCopies: StoreStatement<Removed> = {
  name: 'empty copies of customers',
  text: `SELECT eco.empty_copies_of_customers($4::text[]) ${WHERE_FENCED}`,
  isTimed: false,
  arrays: [customerTable.columns.customerId.literalOf(({ customerId }) => customerId)],
};

export const erasures: TablesOf<'erasures'> = {
  tables: [erasureTable],
  stores: {
    erasures: insertInto('store erasures', erasureTable, rowLists.erasures),
    removedCustomers: [
      emptyCopies,
      deleteFrom<typeof customerTable.columns, Removed>('delete customers', customerTable, rowLists.removedCustomers),
    ].map((statement) => storing(statement, ({ removedCustomers }) => removedCustomers)),
  },
  load: loadBy('load erasures', erasureTable, 'customerId', 'customerIds', ['customerId'], ({ customerId }, state) =>
    state.erasedCustomers.add(customerId),
  ),
};
