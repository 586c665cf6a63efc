import { done, type Rules } from '../rules.js';
import { moveOnHand } from '../stock/move-stock.js';

export const writeOffTransfer: Rules<'transfer.write-off'> = {
  need({ body }, keys) {
    keys.transferIds.add(body.transferId);
    keys.stockProductIds.add(body.productId);
  },
  /** The loss is an adjustment at the location that misses the units, so the ledger still conserves every unit (R4). */
  decide({ id, body }, state) {
    const { transferId, productId, reason } = body;
    const transfer = state.transfers.inTransit(transferId, productId);
    if ('type' in transfer) return transfer;
    const { from, to, quantity } = transfer;
    const level = state.stock.level(productId, to);
    moveOnHand(level, 'arrived', quantity, id, state);
    moveOnHand(level, 'adjusted', -quantity, id, state);
    state.transfers.writeOff(transfer, state.at, reason);
    return done({ transferId, status: 'written-off', productId, from, to, quantity, reason });
  },
};
