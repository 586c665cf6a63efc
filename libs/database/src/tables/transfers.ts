import { rowLists, type Transfer } from '@eco/domain';
import { bigint, nullable, smallint, text, timestamptz, uuid, word } from './columns.js';
import { loadBy } from './load.js';
import { upsertInto } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

const transferTable = defineTable({
  name: 'eco.transfer',
  rows: 'transfers',
  columns: {
    transferId: uuid('transfer_id'),
    sentAt: timestamptz('sent_at'),
    arrivedAt: nullable(timestamptz('arrived_at')),
    writtenOffAt: nullable(timestamptz('written_off_at')),
    quantity: bigint('quantity'),
    bucket: smallint('bucket'),
    status: word<Transfer['status']>('status'),
    productId: text('product_id'),
    from: text('from_location'),
    to: text('to_location'),
    reason: nullable(text('reason')),
  },
});

export const transfers: TablesOf<'transfers'> = {
  tables: [transferTable],
  stores: {
    transfers: upsertInto('store transfers', transferTable, rowLists.transfers, {
      changes: ['status', 'arrivedAt', 'writtenOffAt', 'reason'],
    }),
  },
  load: loadBy(
    'load transfers',
    transferTable,
    'transferId',
    'transferIds',
    ['transferId', 'productId', 'from', 'to', 'quantity', 'status', 'sentAt', 'arrivedAt', 'writtenOffAt', 'reason'],
    (transfer, state) => state.transfers.set(transfer.transferId, transfer),
  ),
};
