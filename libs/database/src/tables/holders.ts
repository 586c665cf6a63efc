import { placeKey, rowLists } from '@eco/domain';
import { bigint, nullable, smallint, text, timestamptz, uuid } from './columns.js';
import { loadBy, query, type Load } from './load.js';
import { insertInto, upsertInto } from './store.js';
import { defineTable, select } from './table.js';
import type { TablesOf } from './tables-of.js';

const holderTable = defineTable({
  name: 'eco.holder',
  rows: 'holders',
  columns: {
    branchId: text('branch_id'),
    incarnation: bigint('incarnation'),
    sequence: bigint('sequence'),
    contactAt: timestamptz('contact_at'),
    bucket: smallint('bucket'),
    frozenReason: nullable(text('frozen_reason')),
    settledEpoch: nullable(text('settled_epoch')),
  },
});

const entryTable = defineTable({
  name: 'eco.entry',
  rows: 'entries',
  columns: {
    incarnation: bigint('incarnation'),
    sequence: bigint('sequence'),
    commandId: uuid('command_id'),
    bucket: smallint('bucket'),
    branchId: text('branch_id'),
  },
});

const entry = select(entryTable, 'branchId', 'incarnation', 'sequence', 'commandId');

/** The entries of these places, written as by `placeKey`. OFFSET 0 keeps the planner from a join, which would scan. */
const loadEntries = {
  name: 'load entries',
  text: `
SELECT ${entry.list('e')}
FROM unnest($1::text[]) AS w(place)
CROSS JOIN LATERAL (
  SELECT * FROM ${entryTable.name} v
  WHERE v.branch_id = split_part(w.place, '/', 1) AND v.incarnation = split_part(w.place, '/', 2)::bigint
    AND v.sequence = split_part(w.place, '/', 3)::bigint
  OFFSET 0
) e`,
};

const loadHolders = loadBy(
  'load holders',
  holderTable,
  'branchId',
  'holderIds',
  ['branchId', 'incarnation', 'sequence', 'contactAt', 'frozenReason', 'settledEpoch'],
  (holder, state) => state.holders.set(holder.branchId, holder),
);

/** Few rows, and none before the first restore. */
const loadAwaited = {
  name: 'load awaited branches',
  text: `
SELECT a.branch_id, a.epoch FROM eco.awaited_branch a
LEFT JOIN eco.holder h ON h.branch_id = a.branch_id
WHERE h.settled_epoch IS DISTINCT FROM a.epoch`,
};

const load: Load = (loading) => [
  ...loadHolders(loading),
  {
    statement: loadAwaited,
    values: [],
    take: (rows) => {
      for (const [branchId, epoch] of rows) loading.state.awaitedBranches.set(String(branchId), String(epoch));
    },
  },
  ...query(loadEntries, loading, 'places', [], (rows) => {
    const { entries } = loading.state;
    for (const row of rows) {
      const { commandId, ...place } = entry.read(row);
      const key = placeKey(place);
      entries.set(key, [...(entries.get(key) ?? []), commandId]);
    }
  }),
];

export const holders: TablesOf<'holders'> = {
  tables: [entryTable, holderTable],
  stores: {
    entries: insertInto('store entries', entryTable, rowLists.entries),
    holders: upsertInto('store holders', holderTable, rowLists.holders, {
      changes: ['incarnation', 'sequence', 'contactAt', 'frozenReason', 'settledEpoch'],
    }),
  },
  load,
};
