import { OPEN_RESERVATIONS_MAX, UNIT_SECONDS_MAX } from '@eco/contracts';
import { done, notOwned, refused, type Rules } from '../rules.js';
import { unitSecondsOf } from './reservation.js';
import { unitsOf } from './reservations.js';
import { priceLines, reserveLines } from '../orders/price-lines.js';

export const createReservation: Rules<'reservation.create'> = {
  need({ body }, keys) {
    keys.reservingCustomerIds.add(body.customerId);
    for (const { productId } of body.lines) keys.productIds.add(productId);
  },
  /** Holds all lines or none. A refusal states every reason. */
  decide({ id, body }, state) {
    const { reservationId, customerId, branchId, lines, ttlSeconds } = body;
    const found = priceLines(lines, state);
    if (found.elsewhere.length > 0) return notOwned(found.elsewhere);
    const open = state.reservations.openOf(customerId);
    if (open.count >= OPEN_RESERVATIONS_MAX) {
      return refused('reservations-too-many', { openMax: OPEN_RESERVATIONS_MAX });
    }
    const unitSecondsAsked = unitSecondsOf(unitsOf(lines), ttlSeconds);
    if (open.unitSeconds + unitSecondsAsked > UNIT_SECONDS_MAX) {
      const asked = { unitSecondsMax: UNIT_SECONDS_MAX, unitSecondsOpen: open.unitSeconds, unitSecondsAsked };
      return refused('reservation-too-large', asked);
    }
    const { priced, totalCents, short, unknownProducts } = found;
    if (short.length > 0) return refused('stock-short', { short, unknownProducts });
    if (unknownProducts.length > 0) return refused('product-unknown', { unknownProducts });
    reserveLines(found, id, state);
    const expiresAt = new Date(Date.parse(state.at) + ttlSeconds * 1000).toISOString();
    state.reservations.create({
      reservationId,
      customerId,
      branchId,
      status: 'held',
      lines: priced,
      totalCents,
      createdAt: state.at,
      expiresAt,
      orderId: null,
    });
    const result = { reservationId, status: 'held' as const, lines: priced, totalCents, expiresAt };
    return done(result, { type: 'reservation.created', data: { ...result, customerId, branchId } });
  },
};
