import { MAX_ORDER_LINES } from '@eco/contracts';
import { decideOrder } from '../orders/decide-order.js';
import { refused, type Rules } from '../rules.js';

export const checkOutCart: Rules<'cart.checkout'> = {
  need({ body }, keys) {
    keys.cartCustomerIds.add(body.customerId);
    keys.checkOutCustomerIds.add(body.customerId);
  },
  decide({ body, stamp: asked }, state) {
    const { orderId, customerId, branchId } = body;
    const { lines, stamp } = state.carts.checkout(customerId, asked);
    if (lines.length === 0) return refused('cart-empty');
    // The limit applies here and not to edits. Which edit arrives last depends on the network, and every order of
    // arrival must end in the same cart.
    if (lines.length > MAX_ORDER_LINES) {
      return refused('order-too-long', { lines: lines.length, linesMax: MAX_ORDER_LINES });
    }
    const decision = decideOrder({ orderId, customerId, branchId, lines, placedAt: state.madeAt(asked) }, state);
    if (decision.type === 'decided' && decision.status === 'done') {
      state.carts.takeOut(customerId, lines, { orderId, stamp });
    }
    return decision;
  },
};
