import { CENTRAL } from '@eco/contracts';
import { rowLists, type LoadedParts } from '@eco/domain';
import { bigint, boolean, integer, nullable, smallint, text } from './columns.js';
import { query } from './load.js';
import { levelTable, takeCentralLevel } from './stock.js';
import { upsertInto } from './store.js';
import { defineTable, select, type ListRow } from './table.js';
import type { TablesOf } from './tables-of.js';

const productTable = defineTable({
  name: 'eco.product',
  rows: 'products',
  columns: {
    productId: text('product_id'),
    priceCents: bigint('price_cents'),
    version: integer('version'),
    taxBasisPoints: nullable(integer('tax_basis_points')),
    bucket: smallint('bucket'),
    deleted: boolean('deleted'),
    name: text('name'),
  },
});

const product = select(productTable, 'productId', 'name', 'priceCents', 'version', 'taxBasisPoints', 'deleted');
const level = select(levelTable, 'onHand', 'reserved', 'sequence');

/** A product with its level at `central`; one that never had stock has none. */
export const PRODUCT_WITH_LEVEL = `
SELECT ${product.list('p')}, ${level.list('l')}
FROM ${productTable.name} p
LEFT JOIN ${levelTable.name} l ON l.product_id = p.product_id AND l.location = '${CENTRAL}'`;

export function takeProductWithLevel(row: ListRow, state: LoadedParts): void {
  const found = product.read(row);
  state.products.set(found.productId, found);
  if (row[product.width] !== null) takeCentralLevel(found.productId, level.read(row, product.width), state);
}

const loadProducts = {
  name: 'load products',
  text: `${PRODUCT_WITH_LEVEL}
WHERE p.product_id = ANY ($1::text[])`,
};

export const products: TablesOf<'products'> = {
  tables: [productTable],
  stores: {
    products: upsertInto('store products', productTable, rowLists.products, {
      changes: ['priceCents', 'version', 'taxBasisPoints', 'deleted', 'name'],
    }),
  },
  load: (loading) =>
    query(loadProducts, loading, 'productIds', [], (rows) => {
      for (const row of rows) takeProductWithLevel(row, loading.state);
    }),
};
