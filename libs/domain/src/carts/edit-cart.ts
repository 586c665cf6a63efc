import { MAX_ORDER_LINES } from '@eco/contracts';
import { done, refused, type Rules } from '../rules.js';

export const editCart: Rules<'cart.edit'> = {
  need({ body }, keys) {
    keys.cartCustomerIds.add(body.customerId);
    // The loaded cart may lack this product, and a later checkout of the batch may order it.
    keys.productIds.add(body.productId);
  },
  decide({ body, stamp }, state) {
    const { customerId, productId, quantity } = body;
    if (!state.carts.makeRoom(customerId, productId, quantity)) {
      return refused('cart-full', { productsMax: MAX_ORDER_LINES });
    }
    const result = state.carts.edit(customerId, productId, quantity, stamp);
    return done(result, result.applied ? { type: 'cart.changed', data: { customerId } } : null);
  },
};
