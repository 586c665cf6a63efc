import { done, refused, type OwnedRules } from '../rules.js';
import { endOrder } from './end-order.js';
import { linesOf } from './orders.js';

export const fulfilOrder: OwnedRules<'order.fulfil'> = {
  need({ body }, keys) {
    keys.orderIds.add(body.orderId);
  },
  ownerOf({ body }, state) {
    return state.orders.ownerOf(body.orderId, body.customerId);
  },
  decide({ id, body: { orderId, customerId } }, state) {
    const order = state.orders.find(orderId, customerId);
    if (order === undefined) return refused('order-unknown');
    const refusal = endOrder(id, order, 'fulfilled', state);
    if (refusal !== undefined) return refusal;
    const { branchId, totalCents } = order;
    const result = { orderId, status: 'fulfilled' as const, lines: linesOf(order.lines) };
    return done(result, { type: 'order.fulfilled', data: { ...result, customerId, branchId, totalCents } });
  },
};
