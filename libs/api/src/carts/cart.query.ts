import { query } from '@eco/reads';
import { owned } from '../owned.js';

export interface CartItemRow {
  product_id: string;
  quantity: number;
  /** Null: another group owns the product, or it is no longer in the catalogue. */
  name: string | null;
  price_cents: number | null;
}

/** Highest stamp of the whole cart, including tombstones. Null: nothing was ever added. */
export interface CartStamp {
  highest_stamp: string | null;
}

/** $1 customer id, $2 the product to begin after, $3 limit. Items that were removed or ordered, or are older than the last clear, are tombstones. */
export const cartQuery = query<CartItemRow, CartStamp>({
  name: 'cart',
  rows: `
    SELECT i.product_id, i.quantity, p.name, p.price_cents::float8 AS price_cents
    FROM eco.cart_item i
    LEFT JOIN eco.cart c ON c.customer_id = i.customer_id
    LEFT JOIN eco.product p ON p.product_id = i.product_id AND NOT p.deleted AND ${owned('p')}
    WHERE i.customer_id = $1 AND i.product_id > $2 AND i.quantity > 0 AND (c.cleared_stamp IS NULL OR i.stamp > c.cleared_stamp)
      AND ${owned('i')}
    ORDER BY i.product_id LIMIT $3`,
  order: 'r.product_id',
  extra: `
    greatest(
      (SELECT max(greatest(m.stamp, m.ordered_stamp)) FROM eco.cart_item m WHERE m.customer_id = $1),
      (SELECT m.cleared_stamp FROM eco.cart m WHERE m.customer_id = $1)
    ) AS highest_stamp`,
});

export interface CartProductRow {
  product_id: string;
  name: string;
  price_cents: number;
}

/** Products of a cart that another group owns. Parameter: $1 their ids. */
export const cartProductsQuery = query<CartProductRow>({
  name: 'cart-products',
  rows: `
    SELECT p.product_id, p.name, p.price_cents::float8 AS price_cents
    FROM eco.product p WHERE p.product_id = ANY ($1::text[]) AND NOT p.deleted AND ${owned('p')}`,
});
