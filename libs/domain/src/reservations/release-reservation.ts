import { linesOf } from '../orders/orders.js';
import { done, refused, type OwnedRules } from '../rules.js';
import { endReservation } from './end-reservation.js';

export const releaseReservation: OwnedRules<'reservation.release'> = {
  need({ body }, keys) {
    keys.reservationIds.add(body.reservationId);
    keys.commandIds.add(body.reservationId);
  },
  ownerOf({ body }, state) {
    return state.reservations.ownerOf(body.reservationId, body.customerId);
  },
  /** A release that overtook its reservation leaves a tombstone; the late reservation then holds nothing. */
  decide({ id, body: { reservationId, customerId } }, state, owner) {
    const reservation = state.reservations.find(reservationId, customerId);
    if (reservation !== undefined) {
      const refusal = endReservation(id, reservation, 'released', state);
      if (refusal !== undefined) return refusal;
      const { branchId, lines } = reservation;
      const result = { reservationId, status: 'released' as const, lines: linesOf(lines) };
      return done(result, { type: 'reservation.released', data: { ...result, customerId, branchId } });
    }
    if (state.outcomeOf(reservationId) !== undefined && !state.hasTombstone(reservationId)) {
      return refused('reservation-unknown');
    }
    const bucket = state.buckets.of(customerId);
    state.addTombstone({ commandId: reservationId, author: owner, bucket, reason: 'reservation-released' });
    return done({ reservationId, status: 'released', lines: [] });
  },
};
