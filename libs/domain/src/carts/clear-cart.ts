import { done, type Rules } from '../rules.js';

export const clearCart: Rules<'cart.clear'> = {
  need({ body }, keys) {
    keys.cartCustomerIds.add(body.customerId);
  },
  decide({ body: { customerId }, stamp }, state) {
    const applied = state.carts.clear(customerId, stamp);
    return done({ applied }, applied ? { type: 'cart.changed', data: { customerId } } : null);
  },
};
