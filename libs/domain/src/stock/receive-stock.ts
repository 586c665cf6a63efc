import { done, type Rules } from '../rules.js';
import { moveOnHand, whyUnknown } from './move-stock.js';

export const receiveStock: Rules<'stock.receive'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
    keys.stockProductIds.add(body.productId);
    keys.locations.add(body.location);
  },
  decide({ id, body }, state) {
    const { productId, location, quantity } = body;
    const level = state.stock.level(productId, location);
    return whyUnknown(productId, [location], state) ?? done(moveOnHand(level, 'received', quantity, id, state));
  },
};
