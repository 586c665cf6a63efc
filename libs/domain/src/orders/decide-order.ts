import type { OrderLine, PricedLine, ShortLine } from '@eco/contracts';
import { done, notOwned, rejected, type Done, type NotOwned, type Rejected } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import { linesOf } from './orders.js';
import { priceLines, reserveLines } from './price-lines.js';

/** Kinds that order lines which are not reserved yet. */
type OrderingKind = 'order.place' | 'cart.checkout';

/** A requested order; each product at most once. */
export interface AskedOrder {
  orderId: string;
  customerId: string;
  /** Null: Central took the order. */
  branchId: string | null;
  lines: OrderLine[];
  /** ISO 8601. */
  placedAt: string;
}

/**
 * Prices the lines and reserves all or none of them. If an order is not possible, it is rejected with every reason, so
 * that the client can ask for less at once.
 */
export function decideOrder(
  order: AskedOrder,
  state: WorkingState,
): Done<OrderingKind> | Rejected<OrderingKind> | NotOwned {
  const found = priceLines(order.lines, state);
  // Orders across groups are planned. Until then such an order can't be decided here.
  if (found.elsewhere.length > 0) return notOwned(found.elsewhere);
  const { short, unknownProducts, priced, totalCents } = found;
  if (short.length > 0 || unknownProducts.length > 0) return reject(order, short, unknownProducts, state);
  reserveLines(found, order.orderId, state);
  return confirmOrder(order, priced, totalCents, state);
}

/** Writes an order whose units are reserved. */
export function confirmOrder(
  order: Omit<AskedOrder, 'lines'>,
  lines: PricedLine[],
  totalCents: number,
  state: WorkingState,
  reservationId?: string,
): Done<OrderingKind | 'reservation.confirm'> {
  const { orderId, customerId, branchId, placedAt } = order;
  state.orders.place({
    orderId,
    customerId,
    bucket: state.buckets.of(customerId),
    branchId,
    status: 'confirmed',
    lines,
    totalCents,
    short: [],
    unknownProducts: [],
    placedAt,
  });
  const result = { orderId, status: 'confirmed' as const, lines, totalCents };
  const data = { ...result, customerId, branchId };
  return done(result, {
    type: 'order.confirmed',
    data: reservationId === undefined ? data : { ...data, reservationId },
  });
}

function reject(
  order: AskedOrder,
  short: ShortLine[],
  unknownProducts: string[],
  state: WorkingState,
): Rejected<OrderingKind> {
  const { orderId, customerId, branchId, placedAt, lines } = order;
  state.orders.place({
    orderId,
    customerId,
    bucket: state.buckets.of(customerId),
    branchId,
    status: 'rejected',
    lines: linesOf(lines),
    totalCents: 0,
    short,
    unknownProducts,
    placedAt,
  });
  const result = { orderId, status: 'rejected' as const, short, unknownProducts };
  return rejected(result, { type: 'order.rejected', data: { ...result, customerId, branchId } });
}
