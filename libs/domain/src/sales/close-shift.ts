import { needEntry } from '../quotas/holder.js';
import { done, type Rules } from '../rules.js';

export const closeShift: Rules<'shift.close'> = {
  need({ body }, keys) {
    needEntry(body, keys);
  },
  decide(command, state) {
    const { shiftId, branchId, till, openedAt, closedAt, sales, voids, returns } = command.body;
    const { openingCents, expectedCents, countedCents, totalCents } = command.body;
    state.holders.note(command);
    const money = { openingCents, expectedCents, countedCents, totalCents };
    const counts = { sales, voids, returns };
    const bucket = state.buckets.of(branchId);
    state.sales.close({ shiftId, bucket, branchId, till, openedAt, closedAt, ...money, ...counts });
    const differenceCents = countedCents - expectedCents;
    const data = { shiftId, branchId, till, closedAt, sales, totalCents, differenceCents };
    return done({ shiftId, branchId }, { type: 'shift.closed', data });
  },
};
