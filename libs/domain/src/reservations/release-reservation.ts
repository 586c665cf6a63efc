import { linesOf } from '../orders/orders.js';
import { done, refused, type Rules } from '../rules.js';
import { endReservation } from './end-reservation.js';

export const releaseReservation: Rules<'reservation.release'> = {
  need({ body }, keys) {
    keys.reservationIds.add(body.reservationId);
    keys.commandIds.add(body.reservationId);
  },
  /** A release that overtook its reservation leaves a tombstone; the late reservation then holds nothing. */
  decide({ id, body: { reservationId, customerId } }, state) {
    const reservation = state.reservations.find(reservationId, customerId);
    if (reservation !== undefined) {
      const refusal = endReservation(id, reservation, 'released', state);
      if (refusal !== undefined) return refusal;
      const { branchId, lines } = reservation;
      const result = { reservationId, status: 'released' as const, lines: linesOf(lines) };
      return done(result, { type: 'reservation.released', data: { ...result, customerId, branchId } });
    }
    if (state.outcomeOf(reservationId) !== undefined && state.tombstoneOf(reservationId) === undefined) {
      return refused('reservation-unknown');
    }
    state.addTombstone(reservationId, state.buckets.of(customerId), 'reservation-released');
    return done({ reservationId, status: 'released', lines: [] });
  },
};
