import type { z } from 'zod';
import type { productSchema } from '@eco/contracts';
import { query } from '@eco/reads';
import { owned } from '../owned.js';

export type Product = z.infer<typeof productSchema>;

export interface ProductRow {
  product_id: string;
  name: string;
  price_cents: number;
  version: number;
  tax_basis_points: number | null;
}

export const PRODUCT_COLUMNS = `p.product_id, p.name, p.price_cents::float8 AS price_cents, p.version,
  p.tax_basis_points`;

export function productOf(row: ProductRow): Product {
  return {
    productId: row.product_id,
    name: row.name,
    priceCents: row.price_cents,
    version: row.version,
    ...(row.tax_basis_points !== null && { taxBasisPoints: row.tax_basis_points }),
  };
}

/** $1 product id. */
export const productQuery = query<ProductRow>({
  name: 'product',
  rows: `SELECT ${PRODUCT_COLUMNS} FROM eco.product p WHERE p.product_id = $1 AND NOT p.deleted AND ${owned('p')}`,
});
