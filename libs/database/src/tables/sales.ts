import type { SaleLine, SalePayment } from '@eco/contracts';
import { levelKey, rowLists, type Excess, type SaleReturnRow } from '@eco/domain';
import { bigint, boolean, jsonb, nullable, smallint, text, timestamptz, uuid } from './columns.js';
import { loadBy, query, type Load } from './load.js';
import { levelTable } from './stock.js';
import { insertInto, updateOf } from './store.js';
import { defineTable, select } from './table.js';
import type { TablesOf } from './tables-of.js';

const saleTable = defineTable({
  name: 'eco.sale',
  rows: 'sales',
  columns: {
    saleId: uuid('sale_id'),
    shiftId: uuid('shift_id'),
    soldAt: timestamptz('sold_at'),
    voidedAt: nullable(timestamptz('voided_at')),
    totalCents: bigint('total_cents'),
    bucket: smallint('bucket'),
    isLate: boolean('is_late'),
    branchId: text('branch_id'),
    till: text('till'),
    receiptNumber: text('receipt_number'),
    customerId: nullable(text('customer_id')),
    voidReason: nullable(text('void_reason')),
    lines: jsonb<SaleLine[]>('lines'),
    payment: jsonb<SalePayment>('payment'),
    excess: jsonb<Excess[]>('excess'),
  },
});

const saleReturnTable = defineTable({
  name: 'eco.sale_return',
  rows: 'sale_returns',
  columns: {
    returnId: uuid('return_id'),
    saleId: nullable(uuid('sale_id')),
    returnedAt: timestamptz('returned_at'),
    refundCents: bigint('refund_cents'),
    bucket: smallint('bucket'),
    branchId: text('branch_id'),
    reason: text('reason'),
    lines: jsonb<SaleReturnRow['lines']>('lines'),
  },
});

const shiftTable = defineTable({
  name: 'eco.shift',
  rows: 'shifts',
  columns: {
    shiftId: uuid('shift_id'),
    openedAt: timestamptz('opened_at'),
    closedAt: timestamptz('closed_at'),
    openingCents: bigint('opening_cents'),
    expectedCents: bigint('expected_cents'),
    countedCents: bigint('counted_cents'),
    totalCents: bigint('total_cents'),
    sales: bigint('sales'),
    voids: bigint('voids'),
    returns: bigint('returns'),
    bucket: smallint('bucket'),
    branchId: text('branch_id'),
    till: text('till'),
  },
});

const level = select(levelTable, 'productId', 'location', 'onHand', 'reserved', 'sequence');

/** The levels that a void of these sales may change. LIMIT 1 keeps the planner from a join, see `levelsOfLines`. */
const loadSoldLevels = {
  name: 'load sold levels',
  text: `
SELECT ${level.list('l')}
FROM (
  SELECT DISTINCT line ->> 'productId' AS product_id, s.branch_id || p.place AS location
  FROM ${saleTable.name} s
  CROSS JOIN LATERAL jsonb_array_elements(s.lines) AS line
  CROSS JOIN (VALUES (''), ('/written-off'), ('/discrepancy')) AS p(place)
  WHERE s.sale_id = ANY ($1::uuid[])
) w
CROSS JOIN LATERAL (
  SELECT * FROM ${levelTable.name} v WHERE v.product_id = w.product_id AND v.location = w.location LIMIT 1
) l`,
};

const loadSales = loadBy(
  'load sales',
  saleTable,
  'saleId',
  'saleIds',
  ['saleId', 'branchId', 'lines', 'totalCents', 'voidedAt'],
  (sale, state) => state.sales.set(sale.saleId, sale),
);

const loadShifts = loadBy('load shifts', shiftTable, 'shiftId', 'shiftIds', ['shiftId'], ({ shiftId }, state) =>
  state.closedShifts.add(shiftId),
);

const load: Load = (loading) => [
  ...loadSales(loading),
  ...loadShifts(loading),
  ...query(loadSoldLevels, loading, 'saleIds', [], (rows) => {
    for (const row of rows) {
      const found = level.read(row);
      loading.state.levels.set(levelKey(found.productId, found.location), found);
    }
  }),
];

export const sales: TablesOf<'sales'> = {
  tables: [saleTable, saleReturnTable, shiftTable],
  stores: {
    sales: insertInto('store sales', saleTable, rowLists.sales, {
      fields: [
        'saleId',
        'shiftId',
        'soldAt',
        'totalCents',
        'bucket',
        'isLate',
        'branchId',
        'till',
        'receiptNumber',
        'customerId',
        'lines',
        'payment',
        'excess',
      ],
    }),
    saleVoids: updateOf('store sale voids', saleTable, rowLists.saleVoids, {
      fields: ['saleId', 'voidedAt', 'voidReason'],
    }),
    saleReturns: insertInto('store sale returns', saleReturnTable, rowLists.saleReturns),
    shifts: insertInto('store shifts', shiftTable, rowLists.shifts),
  },
  load,
};
