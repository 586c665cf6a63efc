import { done, type Rules } from '../rules.js';
import { locationOf, moveOnHand, whyHeld, whyShort, whyUnknown } from './move-stock.js';

export const adjustStock: Rules<'stock.adjust'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
    keys.stockProductIds.add(body.productId);
    keys.locations.add(locationOf(body.location));
    keys.holderIds.add(body.location);
  },
  decide({ id, body }, state) {
    const { productId, location, delta, reason } = body;
    const level = state.stock.level(productId, location);
    const refusal =
      whyUnknown(productId, [location], state) ?? whyHeld(location, delta, state) ?? whyShort(level, delta);
    return refusal ?? done({ ...moveOnHand(level, 'adjusted', delta, id, state), reason });
  },
};
