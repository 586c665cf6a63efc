import { done, type OwnedRules } from '../rules.js';
import { moveOnHand } from '../stock/move-stock.js';

export const receiveTransfer: OwnedRules<'transfer.receive'> = {
  need({ body }, keys) {
    keys.transferIds.add(body.transferId);
    keys.stockProductIds.add(body.productId);
  },
  ownerOf({ body }, state) {
    return state.transfers.find(body.transferId, body.productId)?.to;
  },
  /** All units arrive. Units that were lost on the way are adjusted away at the location that misses them. */
  decide({ id, body }, state) {
    const { transferId, productId } = body;
    const transfer = state.transfers.inTransit(transferId, productId);
    if ('type' in transfer) return transfer;
    const { from, to, quantity } = transfer;
    const moved = moveOnHand(state.stock.level(productId, to), 'arrived', quantity, id, state);
    state.transfers.arrive(transfer, state.at);
    return done({ transferId, status: 'arrived', from, to, quantity, ...moved });
  },
};
