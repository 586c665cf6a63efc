import type { RefusalReason } from '@eco/contracts';
import { rowLists } from '@eco/domain';
import { smallint, timestamptz, uuid, word } from './columns.js';
import { loadBy } from './load.js';
import { insertInto } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

const tombstoneTable = defineTable({
  name: 'eco.tombstone',
  rows: 'tombstones',
  columns: {
    commandId: uuid('command_id'),
    author: word<string>('author'),
    bucket: smallint('bucket'),
    reason: word<RefusalReason>('reason'),
    /** Time at which the tombstone was stored, by the database's clock. */
    at: timestamptz('at'),
  },
});

export const tombstones: TablesOf<'tombstones'> = {
  tables: [tombstoneTable],
  stores: {
    tombstones: insertInto('store tombstones', tombstoneTable, rowLists.tombstones, {
      fields: ['commandId', 'author', 'bucket', 'reason'],
    }),
  },
  load: loadBy(
    'load tombstones',
    tombstoneTable,
    'commandId',
    'commandIds',
    ['commandId', 'author', 'reason'],
    ({ commandId, ...tombstone }, state) => {
      const tombstones = state.tombstones.get(commandId);
      if (tombstones === undefined) state.tombstones.set(commandId, [tombstone]);
      else tombstones.push(tombstone);
    },
  ),
};
