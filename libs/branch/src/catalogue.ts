import type { ChangeData } from '@eco/contracts';
import { remainingOf } from '@eco/domain';
import type { Recorder } from './recorder.js';
import type { FetchCandidate, ProductRow, QuotaRow } from './types.js';

/** Days over which sales are averaged. */
const SALES_DAYS = 7;
const DAY_MS = 86_400_000;
/** Time after which an unanswered request for units is made again, ms. The home may have had none. */
export const ASK_AGAIN_MS = 10 * 60_000;

interface ProductTableRow {
  readonly product_id: string;
  readonly name: string;
  readonly price_cents: number;
  readonly tax_basis_points: number | null;
  readonly version: number;
  readonly is_deleted: number;
}

interface ProductPage {
  readonly limit: number;
  readonly after?: string | undefined;
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
    return row && this.#productOf(row);
  }

  /**
   * Products on sale by product id, after this one. `name`: the products whose name has, for each of these words, a word
   * that begins with it; case and accents are ignored.
   */
  products({ limit, after = '', name = '' }: ProductPage & { readonly name?: string | undefined }): ProductRow[] {
    const wanted = wordsOf(name);
    const hasName = ({ name: text }: ProductTableRow) => {
      const words = wordsOf(text);
      return wanted.every((start) => words.some((word) => word.startsWith(start)));
    };
    return this.#recorder.sql
      .all<ProductTableRow>(
        'SELECT * FROM products WHERE product_id > ? AND is_deleted = 0 ORDER BY product_id LIMIT ?',
        after,
        wanted.length === 0 ? limit : -1,
      )
      .filter(hasName)
      .slice(0, limit)
      .map((row) => this.#productOf(row));
  }

  /** Products and units by product id, after this one. `remainingMax`: only those with at most this number of units. */
  page({ limit, after = '', remainingMax }: ProductPage & { readonly remainingMax?: number | undefined }): QuotaRow[] {
    return this.#recorder.sql.all<QuotaRow>(
      `${QUOTA_ROWS} WHERE product_id > ? AND remaining <= ? ORDER BY product_id LIMIT ?`,
      after,
      remainingMax ?? Number.MAX_SAFE_INTEGER,
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

  /** Counts units for the average; days that are too old for it are removed. */
  countSold(productId: string, quantity: number): void {
    const { sql, nowMs } = this.#recorder;
    sql.run('DELETE FROM sold_units WHERE product_id = ? AND day < ?', productId, firstDay(nowMs));
    sql.run(
      `INSERT INTO sold_units VALUES (?, ?, ?)
       ON CONFLICT (product_id, day) DO UPDATE SET quantity = quantity + excluded.quantity`,
      productId,
      dayOf(nowMs),
      quantity,
    );
  }

  /**
   * Products that the branch holds, held or sold, by product id, after this one. It asks for no units of others: every branch
   * of the chain would otherwise take units of each new product.
   */
  fetchCandidates({
    limit,
    after = '',
  }: {
    readonly limit: number;
    readonly after?: string | undefined;
  }): FetchCandidate[] {
    const { sql, nowMs } = this.#recorder;
    return sql
      .all<{ productId: string; granted: number; spent: number; onTheWay: number; sold: number }>(
        `SELECT q.product_id AS "productId", q.granted, q.spent,
                coalesce((SELECT quantity FROM fetches f WHERE f.product_id = p.product_id AND f.asked_at > ?), 0)
                + coalesce((SELECT sum(quantity) FROM transfers t
                            WHERE t.status = 'expected' AND t.product_id = p.product_id), 0) AS "onTheWay",
                coalesce((SELECT sum(quantity) FROM sold_units s
                          WHERE s.product_id = p.product_id AND s.day >= ?), 0) AS sold
         FROM quotas q JOIN products p USING (product_id)
         WHERE p.is_deleted = 0 AND q.product_id > ? ORDER BY q.product_id LIMIT ?`,
        new Date(nowMs - ASK_AGAIN_MS).toISOString(),
        firstDay(nowMs),
        after,
        limit,
      )
      .map(({ productId, granted, spent, onTheWay, sold }) => ({
        ...{ productId, onTheWay },
        remaining: remainingOf({ granted, spent }),
        soldPerDay: sold / SALES_DAYS,
      }));
  }

  #productOf(row: ProductTableRow): ProductRow {
    return {
      productId: row.product_id,
      name: row.name,
      priceCents: row.price_cents,
      taxBasisPoints: row.tax_basis_points ?? this.#taxBasisPoints,
      version: row.version,
      isDeleted: row.is_deleted === 1,
    };
  }
}

const QUOTA_ROWS = `
  SELECT product_id AS "productId", name, price_cents AS "priceCents", coalesce(granted, 0) AS granted,
         coalesce(spent, 0) AS spent, coalesce(granted - spent, 0) AS remaining
  FROM (SELECT product_id FROM products WHERE is_deleted = 0 UNION SELECT product_id FROM quotas WHERE granted > spent)
  LEFT JOIN products USING (product_id) LEFT JOIN quotas USING (product_id)`;

/** Words in lower case and without accents. */
function wordsOf(text: string): readonly string[] {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function firstDay(nowMs: number): string {
  return dayOf(nowMs - SALES_DAYS * DAY_MS);
}
