import { done, refusedFor, type Rules } from '../rules.js';
import { endReservation } from './end-reservation.js';

export const releaseReservation: Rules<'reservation.release'> = {
  need({ body }, keys) {
    keys.reservationIds.add(body.reservationId);
    keys.commandIds.add(body.reservationId);
  },
  /** A release that overtook its reservation leaves a tombstone; the late reservation then holds nothing. */
  decide(command, state) {
    const { reservationId, customerId } = command.body;
    const reservation = state.reservations.find(reservationId, customerId);
    if (reservation !== undefined) return endReservation(command, reservation, 'released', state);
    if (state.outcomeOf(reservationId) !== undefined && state.tombstoneOf(reservationId) === undefined) {
      return refusedFor('reservation-unknown');
    }
    state.addTombstone(reservationId, state.buckets.of(customerId), 'reservation-released');
    return done({ reservationId, status: 'released', lines: [] });
  },
};
