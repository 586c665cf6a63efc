import { done, type Rules } from '../rules.js';
import { needEntry } from './holder.js';

export const reportBranch: Rules<'branch.report'> = {
  need({ body }, keys) {
    needEntry(body, keys);
  },
  decide(command, state) {
    const { branchId, incarnation } = command.body;
    const isNew = state.holders.note(command).type === 'new-incarnation';
    const reported = { branchId, incarnation };
    return done(
      { ...reported, isFrozen: state.holders.isFrozen(branchId) },
      { type: 'branch.reported', data: { ...reported, isNew } },
    );
  },
};
