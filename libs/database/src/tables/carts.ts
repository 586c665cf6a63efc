import type { Statement } from '@eco/postgres';
import { rowLists, type Cart, type LoadedParts } from '@eco/domain';
import { integer, nullable, smallint, text, uuid } from './columns.js';
import { loadBy, query, type Load, type Loading } from './load.js';
import { PRODUCT_WITH_LEVEL, takeProductWithLevel } from './products.js';
import { deleteFrom, upsertInto } from './store.js';
import { defineTable, select, type ListRow } from './table.js';
import type { TablesOf } from './tables-of.js';

const cartTable = defineTable({
  name: 'eco.cart',
  rows: 'carts',
  columns: { customerId: text('customer_id'), bucket: smallint('bucket'), clearedStamp: text('cleared_stamp') },
});

const itemTable = defineTable({
  name: 'eco.cart_item',
  rows: 'cart_items',
  columns: {
    customerId: text('customer_id'),
    productId: text('product_id'),
    quantity: integer('quantity'),
    bucket: smallint('bucket'),
    stamp: text('stamp'),
    orderId: nullable(uuid('order_id')),
    orderedStamp: nullable(text('ordered_stamp')),
  },
});

const removeItems = deleteFrom('remove cart items', itemTable, rowLists.removedCartItems);
/** Removes items of carts. Retention uses it for expired items, too. */
export const removeCartItems: Statement = removeItems;

const item = select(itemTable, 'customerId', 'productId', 'quantity', 'stamp', 'orderId', 'orderedStamp');

/**
 * The cart items of these customers ($1), in the order of the customers: at most $2 items, so the last cart may be
 * incomplete.
 */
const ITEMS_IN_CARTS = `
SELECT ${item.list('i')}
FROM unnest($1::text[]) WITH ORDINALITY AS w(customer_id, n)
JOIN ${itemTable.name} i ON i.customer_id = w.customer_id
ORDER BY w.n, i.product_id
LIMIT $2::bigint`;

const loadItems = { name: 'load cart items', text: ITEMS_IN_CARTS };

/** Prices and levels of the products in carts that are checked out ($3), for carts that `loadItems` loads. */
const loadProductsInCarts = {
  name: 'load products in carts',
  text: `${PRODUCT_WITH_LEVEL}
WHERE p.product_id IN (
  SELECT i.product_id FROM (${ITEMS_IN_CARTS}) i WHERE i.customer_id = ANY ($3::text[])
)`,
};

const loadCarts = loadBy(
  'load carts',
  cartTable,
  'customerId',
  'cartCustomerIds',
  ['customerId', 'clearedStamp'],
  ({ customerId, clearedStamp }, state) => (cartOf(customerId, state).clearedStamp = clearedStamp),
);

const load: Load = (loading) => {
  const { keys, literals, lines, state } = loading;
  const inCarts = {
    statement: loadProductsInCarts,
    values: [literals.cartCustomerIds, lines, literals.checkOutCustomerIds],
    take: (rows: readonly ListRow[]) => {
      for (const row of rows) takeProductWithLevel(row, state);
    },
  };
  return [
    ...(keys.checkOutCustomerIds.length > 0 ? [inCarts] : []),
    ...loadCarts(loading),
    ...query(loadItems, loading, 'cartCustomerIds', [lines], (rows) =>
      takeItems(
        rows.map((row) => item.read(row)),
        loading,
      ),
    ),
  ];
};

/**
 * `items` are in the order of the customers. If there are as many as requested, the last cart and the carts after it
 * are incomplete.
 */
function takeItems(
  items: readonly ReturnType<typeof item.read>[],
  { keys: { cartCustomerIds }, lines, leftOut, state }: Loading,
): void {
  const last = items.length < lines ? undefined : items.at(-1)?.customerId;
  const complete = last === undefined ? cartCustomerIds.length : cartCustomerIds.indexOf(last);
  for (const customerId of cartCustomerIds.slice(complete)) leftOut.cartCustomerIds.add(customerId);
  for (const { customerId, productId, quantity, stamp, orderId, orderedStamp } of items) {
    if (leftOut.cartCustomerIds.has(customerId)) continue;
    const ordered = orderId === null || orderedStamp === null ? null : { orderId, stamp: orderedStamp };
    cartOf(customerId, state).items.push({ productId, quantity, stamp, ordered });
  }
}

function cartOf(customerId: string, { carts }: LoadedParts): Cart {
  let cart = carts.get(customerId);
  if (cart === undefined) carts.set(customerId, (cart = { customerId, clearedStamp: null, items: [] }));
  return cart;
}

export const carts: TablesOf<'carts'> = {
  tables: [cartTable, itemTable],
  stores: {
    carts: upsertInto('store carts', cartTable, rowLists.carts, { changes: ['clearedStamp'] }),
    removedCartItems: removeItems,
    cartItems: upsertInto('store cart items', itemTable, rowLists.cartItems, {
      values: {
        orderId: ({ ordered }) => ordered?.orderId ?? null,
        orderedStamp: ({ ordered }) => ordered?.stamp ?? null,
      },
      changes: ['quantity', 'stamp', 'orderId', 'orderedStamp'],
    }),
  },
  load,
};
