import type { z } from 'zod';
import type { stockLevelSchema } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

export type Level = z.infer<typeof stockLevelSchema>;

export interface LevelRow {
  product_id: string;
  location: string;
  on_hand: number;
  reserved: number;
}

export const LEVEL_COLUMNS = `l.product_id, l.location, l.on_hand::float8 AS on_hand, l.reserved::float8 AS reserved`;

/**
 * Whether level l is at a location. The other places of a branch, such as its written-off units, have a slash. Nobody can
 * sell from them, and `GET /quotas` shows them.
 */
export const AT_LOCATION = `strpos(l.location, '/') = 0`;

export function levelOf(row: LevelRow): Level {
  return {
    productId: row.product_id,
    location: row.location,
    onHand: row.on_hand,
    reserved: row.reserved,
    available: row.on_hand - row.reserved,
  };
}

export interface IsProduct {
  /** True: the product exists or existed. Its stock stays when it leaves the catalogue. */
  is_product: boolean;
}

/** Extra column for the product $1. */
export const IS_PRODUCT = `EXISTS (SELECT FROM eco.product p WHERE p.product_id = $1 AND ${owned('p')}) AS is_product`;

/** $1 product id. Uses the primary keys of stock_level and product. */
export const productStockQuery = query<LevelRow, IsProduct>({
  name: 'product-stock',
  rows: `SELECT ${LEVEL_COLUMNS} FROM eco.stock_level l WHERE l.product_id = $1 AND ${AT_LOCATION} AND ${owned('l')}`,
  order: 'r.location',
  extra: IS_PRODUCT,
});
