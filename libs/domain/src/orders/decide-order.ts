import { CENTRAL_LOCATION, type OrderLine, type PricedLine, type ShortLine } from '@eco/contracts';
import { availableOf, type Level } from '../stock/stock-ledger.js';
import { done, refused, type Decision } from '../rules.js';
import type { WorkingState } from '../working-state.js';

/** An order as it was asked for; no product twice. */
export interface AskedOrder {
  orderId: string;
  customerId: string;
  /** Null: taken at Central. */
  branchId: string | null;
  lines: OrderLine[];
  /** ISO 8601. */
  placedAt: string;
}

/**
 * Prices the lines and reserves all of them or none. An order that can't be had is rejected, and says everything that
 * stood in its way, so that one look at it is enough to ask for less.
 */
export function decideOrder(order: AskedOrder, state: WorkingState): Decision {
  const priced: PricedLine[] = [];
  const levels: Level[] = [];
  const short: ShortLine[] = [];
  const unknownProducts: string[] = [];
  const elsewhere: string[] = [];
  let totalCents = 0;
  for (const { productId, quantity } of order.lines) {
    if (!state.buckets.isOwned(state.buckets.of(productId))) {
      elsewhere.push(productId);
      continue;
    }
    const product = state.catalogue.find(productId);
    if (product === undefined) {
      unknownProducts.push(productId);
      continue;
    }
    const level = state.stock.level(productId, CENTRAL_LOCATION);
    const available = availableOf(level);
    if (quantity > available) short.push({ productId, asked: quantity, available });
    levels.push(level);
    priced.push({ productId, name: product.name, quantity, unitPriceCents: product.priceCents });
    totalCents += quantity * product.priceCents;
  }
  // Another group decides about these; to call them unknown would be a lie. With several groups they make it pending.
  if (elsewhere.length > 0) {
    return { type: 'not-owned', reason: `this group does not own the bucket of ${elsewhere.join(', ')}` };
  }
  if (short.length > 0 || unknownProducts.length > 0) return reject(order, short, unknownProducts, state);
  // One order has no product twice, so each level is still as it was found.
  levels.forEach((level, index) => {
    const reservedDelta = (priced[index] as PricedLine).quantity;
    state.stock.move(level, { movement: 'reserved', onHandDelta: 0, reservedDelta }, order.orderId);
  });
  return confirm(order, priced, totalCents, state);
}

function confirm(order: AskedOrder, lines: PricedLine[], totalCents: number, state: WorkingState): Decision {
  const { orderId, customerId, branchId, placedAt } = order;
  state.effects.orders.push({
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
  return done(
    { orderId, status: 'confirmed', lines, totalCents },
    { type: 'order.confirmed', data: { orderId, status: 'confirmed', lines, totalCents, customerId, branchId } },
  );
}

function reject(order: AskedOrder, short: ShortLine[], unknownProducts: string[], state: WorkingState): Decision {
  const { orderId, customerId, branchId, placedAt, lines } = order;
  state.effects.orders.push({
    orderId,
    customerId,
    bucket: state.buckets.of(customerId),
    branchId,
    status: 'rejected',
    lines,
    totalCents: 0,
    short,
    unknownProducts,
    placedAt,
  });
  return refused(
    { orderId, status: 'rejected', short, unknownProducts },
    { type: 'order.rejected', data: { orderId, status: 'rejected', short, unknownProducts, customerId, branchId } },
  );
}
