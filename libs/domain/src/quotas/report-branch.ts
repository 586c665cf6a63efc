import { done, type Rules } from '../rules.js';
import { needEntry } from './holder.js';

export const reportBranch: Rules<'branch.report'> = {
  need({ body }, keys) {
    needEntry(body, keys);
  },
  decide(command, state) {
    const { branchId, incarnation, homeEpoch } = command.body;
    const isNew = state.holders.note(command).type === 'new-incarnation';
    const awaitedEpoch = state.holders.awaitedEpochOf(branchId);
    // The lane is in order, so everything that the branch had sent before is here again.
    if (awaitedEpoch !== undefined && homeEpoch === awaitedEpoch) state.holders.settle(branchId, awaitedEpoch);
    const reported = { branchId, incarnation };
    return done(
      { ...reported, isFrozen: state.holders.isFrozen(branchId) },
      { type: 'branch.reported', data: { ...reported, isNew } },
    );
  },
};
