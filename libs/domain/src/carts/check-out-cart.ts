import { MAX_ORDER_LINES } from '@eco/contracts';
import { madeAt } from '../made-at.js';
import { decideOrder } from '../orders/decide-order.js';
import { refusedFor, type Rules } from '../rules.js';

export const checkOutCart: Rules<'cart.checkout'> = {
  need({ body }, keys) {
    keys.cartCustomerIds.add(body.customerId);
    keys.checkOutCustomerIds.add(body.customerId);
  },
  decide({ body, stamp }, state) {
    const { orderId, customerId, branchId } = body;
    const lines = state.carts.linesAsOf(customerId, stamp);
    if (lines.length === 0) return refusedFor('cart-empty');
    // No edit can be refused for it: which one came last depends on the way here, and carts must end alike.
    if (lines.length > MAX_ORDER_LINES) {
      return refusedFor('order-too-long', { lines: lines.length, linesMax: MAX_ORDER_LINES });
    }
    const decision = decideOrder({ orderId, customerId, branchId, lines, placedAt: madeAt(stamp) }, state);
    if (decision.type === 'decided' && decision.status === 'done') state.carts.clear(customerId, stamp);
    return decision;
  },
};
