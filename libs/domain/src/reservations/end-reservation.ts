import { refused, whyNotOwned, type NotOwned, type Refused } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import type { Reservation } from './reservation.js';

/** Releases the units that a reservation holds. Undefined: the reservation has ended already. */
export function endReservation(
  commandId: string,
  reservation: Readonly<Reservation>,
  status: 'released' | 'expired',
  state: WorkingState,
): Refused<'reservation-over'> | NotOwned | undefined {
  const refusal = whyNotHeld(reservation, state);
  if (refusal === undefined) state.reservations.release(reservation, status, commandId, state.stock);
  return refusal;
}

/** The reason why the reservation can't be used. Undefined: it holds its units, and this group owns their buckets. */
export function whyNotHeld(
  reservation: Readonly<Reservation>,
  state: WorkingState,
): Refused<'reservation-over'> | NotOwned | undefined {
  const { status, orderId, lines } = reservation;
  if (status !== 'held') {
    return refused('reservation-over', { reservationStatus: status, ...(orderId === null ? {} : { orderId }) });
  }
  return whyNotOwned(
    lines.map(({ productId }) => productId),
    state,
  );
}
