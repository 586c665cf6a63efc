import { CENTRAL } from '@eco/contracts';
import { done, whyNotOwned, type Rules } from '../rules.js';
import { moveOnHand, whyShort } from '../stock/move-stock.js';
import { needEntry } from './holder.js';

/**
 * The units leave the branch and arrive in the pool in one batch: only their record returns. Goods that really travel
 * are sent as a transfer.
 */
export const giveBackQuota: Rules<'quota.give-back'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    keys.stockProductIds.add(body.productId);
  },
  decide(command, state) {
    const { branchId, productId, quantity, recallId } = command.body;
    const elsewhere = whyNotOwned([productId], state);
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    const level = state.stock.level(productId, branchId);
    const refusal = whyShort(level, -quantity);
    if (refusal !== undefined) return refusal;
    moveOnHand(level, 'sent', -quantity, command.id, state);
    moveOnHand(state.stock.level(productId, CENTRAL), 'arrived', quantity, command.id, state);
    const givenBack = { branchId, productId, quantity };
    return done(givenBack, { type: 'quota.given-back', data: { ...givenBack, recallId } });
  },
};
