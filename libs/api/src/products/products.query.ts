import { query } from '@eco/reads';
import { owned } from '../owned.js';
import { PRODUCT_COLUMNS, type ProductRow } from './product.query.js';

/** $1 the product to begin after, $2 limit. */
export const productsQuery = query<ProductRow>({
  name: 'products',
  rows: `
    SELECT ${PRODUCT_COLUMNS} FROM eco.product p
    WHERE p.product_id > $1 AND NOT p.deleted AND ${owned('p')}
    ORDER BY p.product_id LIMIT $2`,
  order: 'r.product_id',
});

/**
 * $3 words of the name. Uses the index product_words. OFFSET 0 keeps the planner from scanning the catalogue in the
 * requested order in the hope of soon finding a page of matches.
 */
export const productsOfNameQuery = query<ProductRow>({
  name: 'products-of-name',
  rows: `
    SELECT f.* FROM (
      SELECT ${PRODUCT_COLUMNS} FROM eco.product p
      WHERE to_tsvector('simple', eco.words(p.name)) @@ eco.beginning_so($3::text) AND NOT p.deleted AND ${owned('p')}
      OFFSET 0
    ) f
    WHERE f.product_id > $1 ORDER BY f.product_id LIMIT $2`,
  order: 'r.product_id',
});
