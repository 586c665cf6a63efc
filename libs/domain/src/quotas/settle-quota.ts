import { done, refused, type Rules } from '../rules.js';
import { moveAt, unitsAt } from './branch-stock.js';
import { needUnits, whyNoUnitsOf } from './why-no-branch.js';

export const settleQuota: Rules<'quota.settle'> = {
  need({ body }, keys) {
    needUnits(body, keys);
  },
  decide({ id, body }, state) {
    const { branchId, productId, quantity, reason } = body;
    const unknown = whyNoUnitsOf(body, state);
    if (unknown !== undefined) return unknown;
    const { discrepancy: open } = unitsAt(branchId, productId, state);
    if (quantity > open) return refused('discrepancy-smaller', { asked: quantity, open });
    moveAt(branchId, productId, 'settled', { discrepancy: -quantity }, id, state);
    const units = { branchId, productId, quantity };
    return done({ ...units, open: open - quantity }, { type: 'quota.settled', data: { ...units, reason } });
  },
};
