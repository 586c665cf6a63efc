import { done, refused, type Rules } from '../rules.js';
import { whyNoBranch } from './why-no-branch.js';

export const unfreezeBranch: Rules<'branch.unfreeze'> = {
  need({ body }, keys) {
    keys.holderIds.add(body.branchId);
    keys.locations.add(body.branchId);
  },
  decide({ body: { branchId, reason } }, state) {
    const unknown = whyNoBranch(branchId, state);
    if (unknown !== undefined) return unknown;
    if (!state.holders.isFrozen(branchId)) return refused('branch-not-frozen');
    state.holders.unfreeze(branchId);
    return done({ branchId, reason }, { type: 'branch.unfrozen', data: { branchId, reason } });
  },
};
