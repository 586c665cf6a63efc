import { done, refused, type Rules } from '../rules.js';
import { moveOnHand, whyHeld, whyShort, whyUnknown } from './move-stock.js';

export const countStock: Rules<'stock.count'> = {
  need({ body }, keys) {
    keys.productIds.add(body.productId);
    keys.stockProductIds.add(body.productId);
    keys.locations.add(body.location);
    keys.holderIds.add(body.location);
  },
  /**
   * The counter compared the count with a level that was read earlier. If the level has moved since, the difference is
   * not the one that was found.
   */
  decide({ id, body }, state) {
    const { productId, location, expected, counted } = body;
    const unknown = whyUnknown(productId, [location], state);
    if (unknown !== undefined) return unknown;
    const held = whyHeld(location, counted - expected, state);
    if (held !== undefined) return held;
    const level = state.stock.level(productId, location);
    const { onHand } = level;
    if (onHand !== expected) return refused('stock-count-stale', { expected, onHand });
    const delta = counted - onHand;
    return whyShort(level, delta) ?? done(moveOnHand(level, 'counted', delta, id, state));
  },
};
