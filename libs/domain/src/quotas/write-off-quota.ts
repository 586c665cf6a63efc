import { done, type Rules } from '../rules.js';
import { whyShort } from '../stock/move-stock.js';
import { moveAt, unitsAt } from './branch-stock.js';
import { needUnits, whyNoUnitsOf } from './why-no-branch.js';

/** The units never go to the pool: the branch may have sold them already, and its sales may still be on the way. */
export const writeOffQuota: Rules<'quota.write-off'> = {
  need({ body }, keys) {
    needUnits(body, keys);
  },
  decide({ id, body }, state) {
    const { branchId, productId, quantity, reason } = body;
    const refusal = whyNoUnitsOf(body, state) ?? whyShort(state.stock.level(productId, branchId), -quantity);
    if (refusal !== undefined) return refusal;
    moveAt(branchId, productId, 'written-off', { onHand: -quantity, writtenOff: quantity }, id, state);
    const { onHand, writtenOff } = unitsAt(branchId, productId, state);
    const units = { branchId, productId, quantity };
    return done({ ...units, onHand, writtenOff }, { type: 'quota.written-off', data: { ...units, reason } });
  },
};
