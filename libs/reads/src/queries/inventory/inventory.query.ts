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

/** As above, of one location $4. By the index stock_level_of_location. */
export const inventoryOfLocationQuery = query<LevelRow>({
  name: 'inventory-of-location',
  rows: `
    SELECT ${LEVEL_COLUMNS} FROM eco.stock_level l
    WHERE l.location = $4 AND (l.product_id, l.location) > ($1, $2) AND l.product_id >= $1 AND ${owned('l')}
    ORDER BY l.product_id, l.location LIMIT $3`,
  order: 'r.product_id, r.location',
});

/** `nth` of the levels that were looked at; the last one stands for itself even when it is not low. */
export interface LookedAtRow extends LevelRow {
  nth: number;
}

/**
 * Levels that a page of low stock looks at, at the most. What is low is found by looking: an index on the units would be
 * written at each order, and cost the hottest rows their updates within the page (HOT).
 */
export const LEVELS_LOOKED_AT_MAX = 10_000;

const lowStock = (name: string, where: string) =>
  query<LookedAtRow>({
    name,
    rows: `
    SELECT a.* FROM (
      SELECT ${LEVEL_COLUMNS}, row_number() OVER (ORDER BY l.product_id, l.location)::integer AS nth
      FROM eco.stock_level l
      WHERE (l.product_id, l.location) > ($1, $2) AND ${where} AND ${owned('l')}
      ORDER BY l.product_id, l.location LIMIT ${LEVELS_LOOKED_AT_MAX}
    ) a
    WHERE a.on_hand - a.reserved <= $4 OR a.nth = ${LEVELS_LOOKED_AT_MAX}
    ORDER BY a.product_id, a.location LIMIT $3`,
    order: 'r.product_id, r.location',
  });

/** $1 product and $2 location to begin after, $3 limit, $4 units available at the most. By the primary key. */
export const lowStockQuery = lowStock('low-stock', 'true');

/** As above, of one location $5. By the index stock_level_of_location. */
export const lowStockOfLocationQuery = lowStock('low-stock-of-location', 'l.location = $5 AND l.product_id >= $1');
