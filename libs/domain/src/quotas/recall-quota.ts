import { done, refused, type Rules } from '../rules.js';
import { needUnits, whyNoUnitsOf } from './why-no-branch.js';

/** Moves nothing: only the branch gives units back. A branch that is offline learns of it when it is online again. */
export const recallQuota: Rules<'quota.recall'> = {
  need({ body }, keys) {
    needUnits(body, keys);
    keys.holderIds.add(body.branchId);
  },
  decide({ body }, state) {
    const unknown = whyNoUnitsOf(body, state);
    if (unknown !== undefined) return unknown;
    if (state.holders.whyNoUnits(body.branchId) === 'silent') return refused('branch-silent');
    const { recallId, branchId, productId, quantity } = body;
    const recalled = { recallId, branchId, productId, quantity };
    return done(recalled, { type: 'quota.recalled', data: recalled });
  },
};
