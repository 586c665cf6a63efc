import type { Figures } from '@eco/database';
import { progressOf, query, type Query, type WithProgress } from '@eco/reads';
import { HAS_FIGURES, SUMS_OF_FIGURES } from './figures.js';

export interface SalesRow extends Figures {
  /** Empty if the sales are not grouped by day. The same holds for the next two. */
  day: string;
  branch_id: string;
  product_id: string;
}

interface WithTimeZone {
  time_zone: string;
}

const TIME_ZONE = '(SELECT c.time_zone FROM statistics.calendar c) AS time_zone';

export interface SalesGrouping {
  readonly day: boolean;
  readonly branch: boolean;
  readonly product: boolean;
  /** True: the figures of one product are requested. */
  readonly ofProduct: boolean;
}

type SalesQuery = Query<SalesRow, WithProgress & WithTimeZone>;

/**
 * $1 and $2 first and last day, $3 branch or null (empty: Central), $4 to $6 the key to begin after, $7 limit, $8 the
 * product if there is one. If no product is requested, the query uses statistics.branch_day, in which an order of three
 * products is one sale. Otherwise it uses statistics.product_day, in which that order is a sale of each product. Uses
 * the primary keys, or product_day_of_product.
 */
function salesQuery({ day, branch, product, ofProduct }: SalesGrouping): SalesQuery {
  const byProduct = product || ofProduct;
  const name = ['sales', day && 'day', branch && 'branch', product && 'product', ofProduct && 'of-product'];
  return query({
    name: name.filter(Boolean).join('-'),
    rows: `
    SELECT t.* FROM (
      SELECT ${day ? 's.day::text' : "''"} AS day, ${branch ? "coalesce(nullif(s.branch_id, ''), 'central')" : "''"} AS branch_id,
             ${product ? 's.product_id' : "''"} AS product_id, ${SUMS_OF_FIGURES}
      FROM statistics.${byProduct ? 'product_day' : 'branch_day'} s
      WHERE s.day BETWEEN $1::date AND $2::date AND ($3::text IS NULL OR s.branch_id = $3) AND ${HAS_FIGURES}
        ${ofProduct ? 'AND s.product_id = $8' : ''}
      GROUP BY 1, 2, 3
    ) t
    WHERE (t.day, t.branch_id, t.product_id) > ($4::text, $5::text, $6::text)
    ORDER BY t.day, t.branch_id, t.product_id LIMIT $7`,
    order: 'r.day, r.branch_id, r.product_id',
    extra: `${progressOf('statistics', 'statistics')}, ${TIME_ZONE}`,
    pace: 'slow',
  });
}

const queries = new Map<string, SalesQuery>();

export function salesQueryOf(grouping: SalesGrouping): SalesQuery {
  const key = JSON.stringify([grouping.day, grouping.branch, grouping.product, grouping.ofProduct]);
  const known = queries.get(key) ?? salesQuery(grouping);
  queries.set(key, known);
  return known;
}
