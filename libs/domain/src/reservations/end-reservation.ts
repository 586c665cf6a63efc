import type { CommandOf } from '@eco/contracts';
import { linesOf } from '../orders/orders.js';
import { done, notOwned, refusedFor, type Decision } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import type { Reservation } from './reservation.js';

/** Releases what a reservation holds. */
export function endReservation(
  { id }: CommandOf<'reservation.release' | 'reservation.expire'>,
  reservation: Readonly<Reservation>,
  status: 'released' | 'expired',
  state: WorkingState,
): Decision {
  const { reservationId, customerId, branchId } = reservation;
  const refusal = whyNotHeld(reservation, state);
  if (refusal !== undefined) return refusal;
  const lines = linesOf(reservation.lines);
  state.reservations.release(reservation, status, id, state.stock);
  const result = { reservationId, status, lines };
  return done(result, { type: `reservation.${status}`, data: { ...result, customerId, branchId } });
}

/** Undefined: the reservation holds its units, and they belong to this group. */
export function whyNotHeld(reservation: Readonly<Reservation>, state: WorkingState): Decision | undefined {
  const { status, orderId, lines } = reservation;
  if (status !== 'held') {
    return refusedFor('reservation-over', { reservationStatus: status, ...(orderId === null ? {} : { orderId }) });
  }
  return notOwned(
    lines.map(({ productId }) => productId),
    state,
  );
}
