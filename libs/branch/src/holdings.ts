import { EMPTY_HOLDING, type Holding } from '@eco/domain';
import type { Sql } from './sql.js';

/** The holding of a product, as stored. */
export function holdingOf(sql: Sql, productId: string): Holding {
  const row = sql.get<{ granted: number; spent: number }>(
    'SELECT granted, spent FROM quotas WHERE product_id = ?',
    productId,
  );
  return row === undefined ? EMPTY_HOLDING : { granted: row.granted, spent: row.spent };
}

export function holdingsOf(sql: Sql, productIds: Iterable<string>): Map<string, Holding> {
  return new Map([...new Set(productIds)].map((productId) => [productId, holdingOf(sql, productId)]));
}

export function storeHolding(sql: Sql, productId: string, { granted, spent }: Holding): void {
  sql.run(
    `INSERT INTO quotas VALUES (?, ?, ?)
     ON CONFLICT (product_id) DO UPDATE SET granted = excluded.granted, spent = excluded.spent`,
    productId,
    granted,
    spent,
  );
}
