import { done, refused, whyNotOwned, type Rules } from '../rules.js';
import { moveOnHand } from '../stock/move-stock.js';
import { needEntry } from './holder.js';

/** The units of a grant or a transfer are spendable at the branch. All of them arrive. */
export const acceptQuota: Rules<'quota.accept'> = {
  need({ body }, keys) {
    needEntry(body, keys);
    keys.transferIds.add(body.transferId);
    keys.stockProductIds.add(body.productId);
  },
  decide(command, state) {
    const { transferId, branchId, productId } = command.body;
    const elsewhere = whyNotOwned([productId], state);
    if (elsewhere !== undefined) return elsewhere;
    state.holders.note(command);
    if (state.transfers.find(transferId, productId)?.to !== branchId) return refused('transfer-unknown');
    const transfer = state.transfers.inTransit(transferId, productId);
    if ('type' in transfer) return transfer;
    const { quantity } = transfer;
    moveOnHand(state.stock.level(productId, branchId), 'arrived', quantity, command.id, state);
    state.transfers.arrive(transfer, state.at);
    return done({ transferId, branchId, productId, quantity });
  },
};
