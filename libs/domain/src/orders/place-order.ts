import type { Rules } from '../rules.js';
import { decideOrder } from './decide-order.js';

export const placeOrder: Rules<'order.place'> = {
  need({ body }, keys) {
    for (const { productId } of body.lines) keys.productIds.add(productId);
  },
  decide({ body, stamp }, state) {
    const { orderId, customerId, branchId, lines } = body;
    return decideOrder({ orderId, customerId, branchId, lines, placedAt: state.madeAt(stamp) }, state);
  },
};
