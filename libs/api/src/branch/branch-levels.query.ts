import { query } from '@eco/reads';
import { owned } from '../owned.js';

/** A level, or a transfer on its way to the branch: then `on_hand` is null. */
export interface BranchLevelRow {
  product_id: string;
  on_hand: number | null;
  transfer_id: string | null;
  quantity: number | null;
  sent_at: Date | null;
  /** The branch has asked for the units. */
  is_granted: boolean | null;
}

export interface HolderRow {
  incarnation: number | null;
  is_frozen: boolean | null;
  /** The last restore of the database after which the branch is awaited. */
  home_epoch: string | null;
}

/**
 * $1 branch. All units of a branch in one snapshot, up to some 100,000 rows: a new incarnation needs them once. A page at
 * a time would show each level at another position. Uses the indexes stock_level_of_location and transfer_in_transit.
 */
export const branchLevelsQuery = query<BranchLevelRow, HolderRow>({
  name: 'branch-levels',
  rows: `
    SELECT l.product_id, l.on_hand::float8 AS on_hand, NULL::uuid AS transfer_id, NULL::float8 AS quantity,
           NULL::timestamptz AS sent_at, NULL::boolean AS is_granted
    FROM eco.stock_level l WHERE l.location = $1 AND l.on_hand > 0 AND ${owned('l')}
    UNION ALL
    SELECT t.product_id, NULL, t.transfer_id, t.quantity::float8, t.sent_at,
           coalesce((SELECT u.kind = 'quota.fetch' FROM eco.outcome u WHERE u.command_id = t.transfer_id), false)
    FROM eco.transfer t WHERE t.to_location = $1 AND t.status = 'in-transit' AND ${owned('t')}`,
  order: 'r.product_id, r.transfer_id',
  extra: `
    (SELECT h.incarnation::float8 FROM eco.holder h WHERE h.branch_id = $1) AS incarnation,
    (SELECT h.frozen_reason IS NOT NULL FROM eco.holder h WHERE h.branch_id = $1) AS is_frozen,
    (SELECT a.epoch FROM eco.awaited_branch a WHERE a.branch_id = $1) AS home_epoch`,
  pace: 'slow',
});
