import { refusedFor, type Rules } from '../rules.js';
import { endOrder } from './end-order.js';

export const fulfilOrder: Rules<'order.fulfil'> = {
  need({ body }, keys) {
    keys.orderIds.add(body.orderId);
  },
  decide(command, state) {
    const { orderId, customerId } = command.body;
    const order = state.orders.find(orderId, customerId);
    return order === undefined ? refusedFor('order-unknown') : endOrder(command, order, 'fulfilled', state);
  },
};
