import { query } from '../../query.js';
import { owned } from '../owned.js';
import { LEVEL_COLUMNS, type LevelRow } from '../product-stock/product-stock.query.js';

/** $1 product and $2 location to begin after, $3 limit. By the primary key. */
export const inventoryQuery = query<LevelRow>({
  name: 'inventory',
  rows: `
    SELECT ${LEVEL_COLUMNS} FROM eco.stock_level l
    WHERE (l.product_id, l.location) > ($1, $2) AND ${owned('l')}
    ORDER BY l.product_id, l.location LIMIT $3`,
  order: 'r.product_id, r.location',
});
