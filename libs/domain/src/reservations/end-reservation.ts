import { refused, whyNotOwned, type NotOwned, type Refused } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import type { Reservation } from './reservation.js';

/** Releases what a reservation holds. Undefined: it has ended. */
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

/** Undefined: the reservation holds its units, and they belong to this group. */
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
