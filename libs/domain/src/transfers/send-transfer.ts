import { CENTRAL } from '@eco/contracts';
import { done, type Rules } from '../rules.js';
import { locationOf, moveOnHand, whyHeld, whyShort, whyUnknown } from '../stock/move-stock.js';

export const sendTransfer: Rules<'transfer.send'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
    keys.stockProductIds.add(body.productId);
    keys.locations.add(locationOf(body.from));
    keys.locations.add(body.to);
    keys.holderIds.add(body.from);
  },
  decide({ id, body }, state) {
    const { transferId, productId, from, to, quantity } = body;
    const level = state.stock.level(productId, from);
    const refusal =
      whyUnknown(productId, [from, to], state) ?? whyHeld(from, -quantity, state) ?? whyShort(level, -quantity);
    if (refusal !== undefined) return refusal;
    const moved = moveOnHand(level, 'sent', -quantity, id, state);
    state.transfers.send({
      transferId,
      productId,
      from,
      to,
      quantity,
      status: 'in-transit',
      sentAt: state.at,
      arrivedAt: null,
      writtenOffAt: null,
      reason: null,
    });
    const result = { transferId, status: 'in-transit' as const, from, to, quantity, ...moved };
    if (to === CENTRAL) return done(result);
    return done(result, { type: 'transfer.sent', data: { transferId, branchId: to, productId, from, quantity } });
  },
};
