import type { CommandOf } from '@eco/contracts';
import { ownCommandId } from '@eco/routing';
import { isBefore } from '../instant.js';
import { linesOf } from '../orders/orders.js';
import { done, refused, type Rules } from '../rules.js';
import type { BatchState } from '../state.js';
import { endReservation } from './end-reservation.js';
import type { Reservation } from './reservation.js';

/*
 * Expiry is a normal command, with an outcome, movements and a change. A batch that finds a due reservation creates the
 * command before it decides the arrived commands. So no command is refused because of an expired hold, and none
 * confirms an expired reservation, whether or not a timer was on time. A batch is decided as of one instant, so no
 * reservation becomes due within it.
 */

export const expireReservation: Rules<'reservation.expire'> = {
  need({ body }, keys) {
    keys.reservationIds.add(body.reservationId);
  },
  decide({ id, body: { reservationId, customerId } }, state) {
    const reservation = state.reservations.find(reservationId, customerId);
    if (reservation === undefined) return refused('reservation-unknown');
    if (reservation.status === 'held' && !isDue(reservation, state.at)) return refused('reservation-not-due');
    const refusal = endReservation(id, reservation, 'expired', state);
    if (refusal !== undefined) return refusal;
    const { branchId, lines } = reservation;
    const result = { reservationId, status: 'expired' as const, lines: linesOf(lines) };
    return done(result, { type: 'reservation.expired', data: { ...result, customerId, branchId } });
  },
};

/**
 * One command for each loaded reservation that is held and due. The same batch creates the same commands with the same
 * ids.
 */
export function dueExpiries(state: BatchState, isHere: (key: string) => boolean): CommandOf<'reservation.expire'>[] {
  const { group, term, tag, seq } = state.position;
  const commands: CommandOf<'reservation.expire'>[] = [];
  for (const reservation of state.reservations.values()) {
    const { reservationId, customerId, lines } = reservation;
    if (reservation.status !== 'held' || !isDue(reservation, state.at)) continue;
    // A reservation with units of several groups is left to the group that owns all of them.
    if (![customerId, ...lines.map(({ productId }) => productId)].every(isHere)) continue;
    commands.push({
      // The id is unique to this batch. An id that others can guess could be used before.
      id: ownCommandId({
        origin: group,
        kind: 'reservation.expire',
        key: customerId,
        content: `${reservationId} ${term}.${tag}.${seq}`,
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
