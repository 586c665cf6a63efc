import { bookSettlement } from '../quota/account.js';
import { done, refused, type Rules } from '../rules.js';
import { accountAt, moveAt } from './branch-account.js';
import { needUnits, whyNoUnitsOf } from './why-no-branch.js';

export const settleQuota: Rules<'quota.settle'> = {
  need({ body }, keys) {
    needUnits(body, keys);
  },
  decide({ id, body }, state) {
    const { branchId, productId, quantity, reason } = body;
    const unknown = whyNoUnitsOf(body, state);
    if (unknown !== undefined) return unknown;
    const booking = bookSettlement(accountAt(branchId, productId, state), quantity);
    if (booking.type === 'too-few') return refused('discrepancy-smaller', { asked: quantity, open: booking.found });
    moveAt(branchId, productId, 'settled', booking.deltas, id, state);
    const { discrepancy: open } = accountAt(branchId, productId, state);
    const units = { branchId, productId, quantity };
    return done({ ...units, open }, { type: 'quota.settled', data: { ...units, reason } });
  },
};
