import { CENTRAL } from '@eco/contracts';
import { bookGiveBack } from '../quota/account.js';
import { done, refused, whyNotOwned, type Rules } from '../rules.js';
import { moveOnHand } from '../stock/move-stock.js';
import { accountAt, moveAt } from './branch-account.js';
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
    const booking = bookGiveBack(accountAt(branchId, productId, state), quantity);
    if (booking.type === 'too-few') {
      return refused('stock-short', { short: [{ productId, asked: quantity, available: booking.found }] });
    }
    moveAt(branchId, productId, 'sent', booking.deltas, command.id, state);
    moveOnHand(state.stock.level(productId, CENTRAL), 'arrived', quantity, command.id, state);
    const givenBack = { branchId, productId, quantity };
    return done(givenBack, { type: 'quota.given-back', data: { ...givenBack, recallId } });
  },
};
