import { bookWriteOff } from '../quota/account.js';
import { done, refused, type Rules } from '../rules.js';
import { accountAt, moveAt } from './branch-account.js';
import { needUnits, whyNoUnitsOf } from './why-no-branch.js';

/** The units never go to the pool: the branch may have sold them already, and its sales may still be on the way. */
export const writeOffQuota: Rules<'quota.write-off'> = {
  need({ body }, keys) {
    needUnits(body, keys);
  },
  decide({ id, body }, state) {
    const { branchId, productId, quantity, reason } = body;
    const unknown = whyNoUnitsOf(body, state);
    if (unknown !== undefined) return unknown;
    const booking = bookWriteOff(accountAt(branchId, productId, state), quantity);
    if (booking.type === 'too-few') {
      return refused('stock-short', { short: [{ productId, asked: quantity, available: booking.found }] });
    }
    moveAt(branchId, productId, 'written-off', booking.deltas, id, state);
    const { level, writtenOff } = accountAt(branchId, productId, state);
    const units = { branchId, productId, quantity };
    return done({ ...units, onHand: level, writtenOff }, { type: 'quota.written-off', data: { ...units, reason } });
  },
};
