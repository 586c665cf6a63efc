import type { CommandOf } from '@eco/contracts';
import { commandIdFor } from '@eco/routing';
import { isBefore } from '../instant.js';
import { refusedFor, type Rules } from '../rules.js';
import type { BatchState, Reservation } from '../state.js';
import { endReservation } from './end-reservation.js';

/*
 * Expiry is a command like any other, with an outcome, movements and a change. The batch that finds a reservation due
 * makes it, before it decides what has come: so nobody is refused for units that nobody holds any more, and nobody
 * confirms what has expired, whether a timer was on time or not. All of a batch is decided as of one instant, so no
 * reservation becomes due within it.
 */

export const expireReservation: Rules<'reservation.expire'> = {
  need({ body }, keys) {
    keys.reservationIds.add(body.reservationId);
  },
  decide(command, state) {
    const { reservationId, customerId } = command.body;
    const reservation = state.reservations.find(reservationId, customerId);
    if (reservation === undefined) return refusedFor('reservation-unknown');
    if (reservation.status === 'held' && !isDue(reservation, state.at)) return refusedFor('reservation-not-due');
    return endReservation(command, reservation, 'expired', state);
  },
};

/** One for each reservation that was loaded, is held and due. The same batch makes the same ones, with the same ids. */
export function dueExpiries(state: BatchState, isHere: (key: string) => boolean): CommandOf<'reservation.expire'>[] {
  const { group, term, tag, seq } = state.position;
  const commands: CommandOf<'reservation.expire'>[] = [];
  for (const reservation of state.reservations.values()) {
    const { reservationId, customerId, lines } = reservation;
    if (reservation.status !== 'held' || !isDue(reservation, state.at)) continue;
    // What lies with another group is for whoever owns all of it.
    if (![customerId, ...lines.map(({ productId }) => productId)].every(isHere)) continue;
    commands.push({
      // Of this batch alone: an id that others could guess could be used up before.
      id: commandIdFor({
        origin: group,
        kind: 'reservation.expire',
        key: customerId,
        idempotencyKey: `${reservationId} ${term}.${tag}.${seq}`,
      }),
      kind: 'reservation.expire',
      stamp: `${String(Date.parse(state.at)).padStart(15, '0')}-00000-${group}`,
      sentBy: `writer of ${group}`,
      correlationId: reservationId,
      body: { reservationId, customerId },
    });
  }
  return commands;
}

function isDue({ expiresAt }: Reservation, at: string): boolean {
  return !isBefore(at, expiresAt);
}
