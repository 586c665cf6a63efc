import { query } from '@eco/reads';
import { owned } from '../owned.js';
import { AT_LOCATION, LEVEL_COLUMNS, type LevelRow } from './product-stock.query.js';

/** $1 product and $2 location to begin after, $3 limit. Uses the primary key. */
export const inventoryQuery = query<LevelRow>({
  name: 'inventory',
  rows: `
    SELECT ${LEVEL_COLUMNS} FROM eco.stock_level l
    WHERE (l.product_id, l.location) > ($1, $2) AND ${AT_LOCATION} AND ${owned('l')}
    ORDER BY l.product_id, l.location LIMIT $3`,
  order: 'r.product_id, r.location',
});

/** As the query above, for the location $4. Uses the index stock_level_of_location. */
export const inventoryOfLocationQuery = query<LevelRow>({
  name: 'inventory-of-location',
  rows: `
    SELECT ${LEVEL_COLUMNS} FROM eco.stock_level l
    WHERE l.location = $4 AND (l.product_id, l.location) > ($1, $2) AND l.product_id >= $1 AND ${owned('l')}
    ORDER BY l.product_id, l.location LIMIT $3`,
  order: 'r.product_id, r.location',
});

/**
 * `nth` numbers the levels that the page looked at. The last of them is included even if it is not low, because the
 * next page begins after it.
 */
export interface LookedAtRow extends LevelRow {
  nth: number;
}

/**
 * Most levels that a page of low stock looks at. Low stock is found by scanning: an index on the units would be written
 * with every order, and would prevent in-page updates (HOT) of the hottest rows.
 */
export const LEVELS_LOOKED_AT_MAX = 10_000;

/**
 * Products on sale, in order, each with levels l. $1 product and $2 location to begin after, $3 limit, $4 most
 * available units. The product id is that of the catalogue, so that its index provides the order and no full sort is
 * needed.
 */
const lowStock = (name: string, levels: string) =>
  query<LookedAtRow>({
    name,
    rows: `
    SELECT a.* FROM (
      SELECT p.product_id, l.location, l.on_hand::float8 AS on_hand, l.reserved::float8 AS reserved,
             row_number() OVER (ORDER BY p.product_id, l.location)::integer AS nth
      FROM eco.product p ${levels} AND p.product_id >= $1 AND (p.product_id, l.location) > ($1, $2)
        AND NOT p.deleted AND ${owned('p')}
      ORDER BY p.product_id, l.location LIMIT ${LEVELS_LOOKED_AT_MAX}
    ) a
    WHERE a.on_hand - a.reserved <= $4 OR a.nth = ${LEVELS_LOOKED_AT_MAX}
    ORDER BY a.product_id, a.location LIMIT $3`,
    order: 'r.product_id, r.location',
  });

/** Levels of each product at central: 0 units if none is stored. Uses the primary keys of product and stock_level. */
export const lowStockQuery = lowStock(
  'low-stock',
  `CROSS JOIN LATERAL (
        SELECT k.location, k.on_hand, k.reserved FROM eco.stock_level k WHERE k.product_id = p.product_id
        UNION ALL
        SELECT 'central', 0, 0
        WHERE NOT EXISTS (SELECT FROM eco.stock_level k WHERE k.product_id = p.product_id AND k.location = 'central')
      ) l WHERE ${AT_LOCATION}`,
);

/** The low stock of central alone. */
export const lowStockAtCentralQuery = lowStock(
  'low-stock-at-central',
  `CROSS JOIN LATERAL (
        SELECT 'central' AS location, coalesce(max(k.on_hand), 0) AS on_hand, coalesce(max(k.reserved), 0) AS reserved
        FROM eco.stock_level k WHERE k.product_id = p.product_id AND k.location = 'central'
      ) l WHERE true`,
);

/** The low stock of a branch $5, of products that it has had. Uses the index stock_level_of_location. */
export const lowStockAtBranchQuery = lowStock(
  'low-stock-at-branch',
  'JOIN eco.stock_level l ON l.product_id = p.product_id AND l.location = $5 WHERE l.product_id >= $1',
);
