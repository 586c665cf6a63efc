import { done, refusedFor, type Rules } from '../rules.js';
import { endOrder } from './end-order.js';

export const cancelOrder: Rules<'order.cancel'> = {
  need({ body }, keys) {
    keys.orderIds.add(body.orderId);
    // The outcome under the order's id, and whether it was cancelled before.
    keys.commandIds.add(body.orderId);
  },
  /** A cancellation that overtook its order leaves a tombstone; a late order is then refused. */
  decide(command, state) {
    const { orderId, customerId } = command.body;
    const order = state.orders.find(orderId, customerId);
    if (order !== undefined) return endOrder(command, order, 'cancelled', state);
    if (state.outcomeOf(orderId) !== undefined && state.tombstoneOf(orderId) === undefined) {
      return refusedFor('order-unknown');
    }
    state.addTombstone(orderId, state.buckets.of(customerId), 'order-cancelled');
    return done({ orderId, status: 'cancelled', lines: [] });
  },
};
