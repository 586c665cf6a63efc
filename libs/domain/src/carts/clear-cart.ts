import { done, type Rules } from '../rules.js';

export const clearCart: Rules<'cart.clear'> = {
  need({ body }, keys) {
    keys.cartCustomerIds.add(body.customerId);
  },
  decide({ body: { customerId }, stamp }, state) {
    const result = state.carts.clear(customerId, stamp);
    return done(result, result.applied ? { type: 'cart.changed', data: { customerId } } : null);
  },
};
