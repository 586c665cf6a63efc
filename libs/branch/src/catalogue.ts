import type { ChangeData } from '@eco/contracts';
import { remainingOf } from '@eco/domain';
import type { Recorder } from './recorder.js';
import type { FetchCandidate, ProductRow, QuotaRow } from './types.js';

/** Days over which sales are averaged. */
const SALES_DAYS = 7;
const DAY_MS = 86_400_000;

interface ProductTableRow {
  readonly product_id: string;
  readonly name: string;
  readonly price_cents: number;
  readonly tax_basis_points: number | null;
  readonly version: number;
  readonly is_deleted: number;
}

/** Products as the head office has published them, and the branch's units of each. */
export class Catalogue {
  readonly #recorder: Recorder;
  readonly #taxBasisPoints: number;

  constructor(recorder: Recorder, { taxBasisPoints }: { readonly taxBasisPoints: number }) {
    this.#recorder = recorder;
    this.#taxBasisPoints = taxBasisPoints;
  }

  product(productId: string): ProductRow | undefined {
    const row = this.#recorder.sql.get<ProductTableRow>('SELECT * FROM products WHERE product_id = ?', productId);
    if (row === undefined) return undefined;
    return {
      productId,
      name: row.name,
      priceCents: row.price_cents,
      taxBasisPoints: row.tax_basis_points ?? this.#taxBasisPoints,
      version: row.version,
      isDeleted: row.is_deleted === 1,
    };
  }

  /** Products and units by product id, after this one. */
  page({ limit, after = '' }: { readonly limit: number; readonly after?: string | undefined }): QuotaRow[] {
    return this.#recorder.sql.all<QuotaRow>(
      `${QUOTA_ROWS} WHERE product_id > ? ORDER BY product_id LIMIT ?`,
      after,
      limit,
    );
  }

  quota(productId: string): QuotaRow | undefined {
    return this.#recorder.sql.get<QuotaRow>(`${QUOTA_ROWS} WHERE product_id = ?`, productId);
  }

  /** The change with the highest version counts, in whatever order changes arrive. */
  store({ productId, name, priceCents, version, taxBasisPoints }: ChangeData<'product.updated'>): void {
    this.#recorder.sql.run(
      `INSERT INTO products VALUES (?, ?, ?, ?, ?, 0)
       ON CONFLICT (product_id) DO UPDATE SET name = excluded.name, price_cents = excluded.price_cents,
         tax_basis_points = excluded.tax_basis_points, version = excluded.version, is_deleted = 0
       WHERE excluded.version > version`,
      productId,
      name,
      priceCents,
      taxBasisPoints ?? null,
      version,
    );
  }

  delete({ productId, version }: ChangeData<'product.deleted'>): void {
    this.#recorder.sql.run(
      'UPDATE products SET is_deleted = 1, version = ? WHERE product_id = ? AND version < ?',
      version,
      productId,
      version,
    );
  }

  countSold(productId: string, day: string, quantity: number): void {
    this.#recorder.sql.run(
      `INSERT INTO sold_units VALUES (?, ?, ?)
       ON CONFLICT (product_id, day) DO UPDATE SET quantity = quantity + excluded.quantity`,
      productId,
      day,
      quantity,
    );
  }

  /** Products that can be sold, by product id, after this one. */
  fetchCandidates({
    limit,
    after = '',
  }: {
    readonly limit: number;
    readonly after?: string | undefined;
  }): FetchCandidate[] {
    const { sql, nowMs } = this.#recorder;
    const fromDay = new Date(nowMs - SALES_DAYS * DAY_MS).toISOString().slice(0, 10);
    return sql
      .all<{ productId: string; granted: number; spent: number; onTheWay: number; sold: number }>(
        `SELECT p.product_id AS "productId", coalesce(q.granted, 0) AS granted, coalesce(q.spent, 0) AS spent,
                coalesce((SELECT quantity FROM fetches f WHERE f.product_id = p.product_id), 0)
                + coalesce((SELECT sum(quantity) FROM transfers t
                            WHERE t.status = 'expected' AND t.product_id = p.product_id), 0) AS "onTheWay",
                coalesce((SELECT sum(quantity) FROM sold_units s
                          WHERE s.product_id = p.product_id AND s.day >= ?), 0) AS sold
         FROM products p LEFT JOIN quotas q USING (product_id) WHERE p.is_deleted = 0 AND p.product_id > ?
         ORDER BY p.product_id LIMIT ?`,
        fromDay,
        after,
        limit,
      )
      .map(({ productId, granted, spent, onTheWay, sold }) => ({
        ...{ productId, onTheWay },
        remaining: remainingOf({ granted, spent }),
        soldPerDay: sold / SALES_DAYS,
      }));
  }
}

const QUOTA_ROWS = `
  SELECT product_id AS "productId", name, price_cents AS "priceCents", coalesce(granted, 0) AS granted,
         coalesce(spent, 0) AS spent, coalesce(granted - spent, 0) AS remaining
  FROM (SELECT product_id FROM products WHERE is_deleted = 0 UNION SELECT product_id FROM quotas WHERE granted > spent)
  LEFT JOIN products USING (product_id) LEFT JOIN quotas USING (product_id)`;
