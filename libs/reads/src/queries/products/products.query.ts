import { query } from '../../query.js';
import { owned } from '../owned.js';
import { PRODUCT_COLUMNS, type ProductRow } from '../product/product.query.js';

/** $1 the product to begin after, $2 limit. */
export const productsQuery = query<ProductRow>({
  name: 'products',
  rows: `
    SELECT ${PRODUCT_COLUMNS} FROM eco.product p
    WHERE p.product_id > $1 AND NOT p.deleted AND ${owned('p')}
    ORDER BY p.product_id LIMIT $2`,
  order: 'r.product_id',
});
