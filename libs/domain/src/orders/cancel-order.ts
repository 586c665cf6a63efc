import { done, refused, type Done, type OwnedRules } from '../rules.js';
import { endOrder } from './end-order.js';
import type { Order } from './order.js';
import { linesOf, pricedLinesOf } from './orders.js';

export const cancelOrder: OwnedRules<'order.cancel'> = {
  need({ body }, keys) {
    keys.orderIds.add(body.orderId);
    // The order's id is also the id of the command that placed it. Its outcome shows the result of the order, and a
    // tombstone shows an earlier cancellation.
    keys.commandIds.add(body.orderId);
  },
  ownerOf({ body }, state) {
    return state.orders.ownerOf(body.orderId, body.customerId);
  },
  /** A cancellation that overtook its order leaves a tombstone; a late order is then refused. */
  decide({ id, body: { orderId, customerId } }, state, owner) {
    const order = state.orders.find(orderId, customerId);
    if (order !== undefined) return endOrder(id, order, 'cancelled', state) ?? cancelled(order);
    if (state.outcomeOf(orderId) !== undefined && !state.hasTombstone(orderId)) {
      return refused('order-unknown');
    }
    state.addTombstone({
      commandId: orderId,
      author: owner,
      bucket: state.buckets.of(customerId),
      reason: 'order-cancelled',
    });
    return done({ orderId, status: 'cancelled', lines: [] });
  },
};

/** The change data of a cancelled order, with prices, so that a consumer can subtract the sale. */
function cancelled(order: Order): Done<'order.cancel'> {
  const { orderId, customerId, branchId, totalCents } = order;
  const lines = pricedLinesOf(order).map(({ name, ...line }) => line);
  return done(
    { orderId, status: 'cancelled', lines: linesOf(lines) },
    { type: 'order.cancelled', data: { orderId, status: 'cancelled', lines, customerId, branchId, totalCents } },
  );
}
