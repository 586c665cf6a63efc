import { QUOTA_MOVEMENTS_MAX } from '@eco/contracts';
import { MOVEMENTS_OF_ROW, query } from '@eco/reads';
import { owned } from '../owned.js';

export interface QuotaRow {
  branch_id: string;
  product_id: string;
  granted: number;
  spent: number;
  since: Date | null;
  remaining: number;
  idle_since: Date | null;
  in_transit: number;
  quarantine: number;
  written_off: number;
  discrepancy: number;
}

/** Branch, time of its last entry (ms since 1970), whether it is silent, and why it is frozen. */
export type HolderFacts = [branchId: string, contactMs: number, isSilent: boolean, frozenReason: string | null];

/** The products after the key of the page of which a branch has a level at one of its places. */
const productsAt = (place: string) => `
          (SELECT l.product_id FROM eco.stock_level l
           WHERE l.location = b.location || '${place}' AND l.product_id > a.product_id AND ${owned('l')}
           ORDER BY l.product_id LIMIT $3)`;

const unitsAt = (place: string) => `
      coalesce((SELECT l.on_hand FROM eco.stock_level l
        WHERE l.product_id = k.product_id AND l.location = k.branch_id || '${place}'), 0)::float8`;

/**
 * $1 branch and $2 product to begin after, $3 limit, $4 branch or null, $5 days after which a branch is silent. A branch
 * may have a product only at one of its places, or on the way. Uses the indexes stock_level_of_location and
 * transfer_in_transit, and reads the last movements of a level by its key. The holder of a branch is in the branch's
 * group, and its quotas are in the groups of the products.
 */
export const quotasQuery = query<QuotaRow, { holders: HolderFacts[] }>({
  name: 'quotas',
  rows: `
    SELECT k.branch_id, k.product_id, m.granted::float8 AS granted, m.spent::float8 AS spent,
      CASE WHEN m.first > 1 THEN m.since END AS since,
      CASE WHEN level.on_hand > 0 THEN m.latest END AS idle_since,
      coalesce(level.on_hand, 0)::float8 AS remaining,
      (SELECT coalesce(sum(t.quantity), 0)::float8 FROM eco.transfer t
       WHERE t.to_location = k.branch_id AND t.status = 'in-transit' AND t.product_id = k.product_id) AS in_transit,
      ${unitsAt('/quarantine')} AS quarantine,
      ${unitsAt('/written-off')} AS written_off,
      ${unitsAt('/discrepancy')} AS discrepancy
    FROM (
      SELECT b.location AS branch_id, p.product_id
      FROM eco.location b
      CROSS JOIN LATERAL (SELECT CASE WHEN b.location = $1 THEN $2::text ELSE '' END AS product_id) a
      CROSS JOIN LATERAL (
        SELECT x.product_id FROM (
          ${['', '/quarantine', '/written-off', '/discrepancy'].map(productsAt).join('\n          UNION')}
          UNION
          (SELECT t.product_id FROM eco.transfer t
           WHERE t.to_location = b.location AND t.status = 'in-transit' AND t.product_id > a.product_id AND ${owned('t')})
        ) x
        ORDER BY x.product_id LIMIT $3
      ) p
      WHERE b.location <> 'central' AND b.location >= $1 AND ($4::text IS NULL OR b.location = $4)
      ORDER BY b.location, p.product_id LIMIT $3
    ) k
    LEFT JOIN LATERAL (
      SELECT l.on_hand FROM eco.stock_level l WHERE l.product_id = k.product_id AND l.location = k.branch_id LIMIT 1
    ) level ON true
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(m.on_hand_delta) FILTER (WHERE m.movement NOT IN ('sold', 'voided', 'returned')), 0) AS granted,
        -coalesce(sum(m.on_hand_delta) FILTER (WHERE m.movement IN ('sold', 'voided', 'returned')), 0) AS spent,
        min(m.sequence) AS first, min(m.at) AS since, max(m.at) AS latest
      FROM (
        SELECT c.on_hand_delta, c.movement, m.sequence - c.back AS sequence, m.at
        FROM (
          SELECT m.* FROM eco.movement_row m
          WHERE m.product_id = k.product_id AND m.location = k.branch_id
          ORDER BY m.sequence DESC LIMIT ${QUOTA_MOVEMENTS_MAX}
        ) m
        CROSS JOIN LATERAL (${MOVEMENTS_OF_ROW}) c
        ORDER BY m.sequence DESC, c.back LIMIT ${QUOTA_MOVEMENTS_MAX}
      ) m
    ) m`,
  order: 'r.branch_id, r.product_id',
  extra: `
    (SELECT coalesce(jsonb_agg(jsonb_build_array(
        h.branch_id, (extract(epoch FROM h.contact_at) * 1000)::bigint, s.at - h.contact_at > $5::integer * interval '1 day',
        h.frozen_reason)), '[]')
     FROM eco.holder h WHERE ($4::text IS NULL OR h.branch_id = $4) AND ${owned('h')}) AS holders`,
  pace: 'slow',
});
