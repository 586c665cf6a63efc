import { confirmOrder } from '../orders/decide-order.js';
import { refused, type OwnedRules } from '../rules.js';
import { whyNotHeld } from './end-reservation.js';

export const confirmReservation: OwnedRules<'reservation.confirm'> = {
  need({ body }, keys) {
    keys.reservationIds.add(body.reservationId);
  },
  ownerOf({ body }, state) {
    return state.reservations.ownerOf(body.reservationId, body.customerId);
  },
  /** No unit moves: units reserved for the reservation are now reserved for the order. */
  decide({ body, stamp }, state) {
    const { orderId, reservationId, customerId, branchId } = body;
    const reservation = state.reservations.find(reservationId, customerId);
    if (reservation === undefined) return refused('reservation-unknown');
    const refusal = whyNotHeld(reservation, state);
    if (refusal !== undefined) return refusal;
    state.reservations.confirm(reservation, orderId);
    const order = { orderId, customerId, branchId, placedAt: state.madeAt(stamp) };
    const decision = confirmOrder(order, reservation.lines, reservation.totalCents, state, reservationId);
    state.orders.takeOver(orderId, reservationId);
    return decision;
  },
};
