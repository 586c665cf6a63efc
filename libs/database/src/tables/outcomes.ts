import type { ChangeType, CommandKind, OutcomeStatus, Topic } from '@eco/contracts';
import { rowLists, type Effects, type OutcomeRow, type RowList } from '@eco/domain';
import { bytea, integer, jsonb, nullable, smallint, text, uuid, word } from './columns.js';
import { loadBy } from './load.js';
import { insertInto, storing } from './store.js';
import { defineTable } from './table.js';
import type { TablesOf } from './tables-of.js';

type Json = Record<string, unknown>;

/** The outcomes that are not in rows of orders. */
const outcomeTable = defineTable({
  name: 'eco.outcome_row',
  rows: 'outcomes',
  view: 'eco.outcome',
  insertedAt: 'decided_at',
  columns: {
    commandId: uuid('command_id'),
    bodyHash: bytea('body_hash'),
    n: integer('n'),
    bucket: smallint('bucket'),
    kind: word<CommandKind>('kind'),
    status: word<OutcomeStatus>('status'),
    topic: nullable(word<Topic>('topic')),
    changeType: nullable(word<ChangeType>('change_type')),
    // Null if the data is in the order's row; the views read it there.
    result: nullable(jsonb<Json>('result')),
    changeData: nullable(jsonb<Json>('change_data')),
    sender: nullable(word<string>('sender')),
    actor: nullable(text('actor')),
    decidedAs: nullable(uuid('decided_as')),
  },
});

/** Outcomes with their results, wherever those are stored. */
const outcomeView = defineTable({
  ...outcomeTable,
  name: 'eco.outcome_full',
  columns: { ...outcomeTable.columns, result: jsonb<Json>('result') },
});

type StoredRow = Omit<OutcomeRow, 'result'> & { result: Json | null };

export const outcomes: TablesOf<'outcomes'> = {
  tables: [outcomeTable],
  stores: {
    outcomes: [
      storing(insertInto('store outcomes', outcomeTable, rowLists.outcomes as RowList<StoredRow>), outcomesBeside),
    ],
  },
  load: loadBy(
    'load outcomes',
    outcomeView,
    'commandId',
    'commandIds',
    ['commandId', 'bodyHash', 'status', 'result', 'decidedAs'],
    ({ commandId, ...outcome }, state) => state.outcomes.set(commandId, outcome),
  ),
};

/**
 * Whether the outcome and its change are in the row of the order that it made. An outcome without a change made no order:
 * it expired, or is a copy under another id.
 */
export function isInOrder({ kind, topic }: OutcomeRow): boolean {
  return kind === 'order.place' && topic !== null;
}

/**
 * The outcomes with rows of their own. The result and the change of a checkout are in the order's row. Those of a
 * confirmed reservation contain more than the order.
 */
function outcomesBeside({ outcomes: rows, orders }: Effects): StoredRow[] {
  const beside = rows.filter((row) => !isInOrder(row));
  if (beside.length === 0) return beside;
  const inOrders = new Set(orders.map(({ orderId }) => orderId));
  return beside.map((row) =>
    inOrders.has(row.commandId) && row.kind !== 'reservation.confirm'
      ? { ...row, result: null, changeData: null }
      : row,
  );
}
