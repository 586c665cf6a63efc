import { CENTRAL, type CommandOf } from '@eco/contracts';
import { done, notOwned, refusedFor, type Decision } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import type { Order } from './order.js';
import { linesOf, pricedLinesOf } from './orders.js';

const ends = {
  cancelled: { movement: 'released', change: 'order.cancelled', leaves: false },
  fulfilled: { movement: 'fulfilled', change: 'order.fulfilled', leaves: true },
} as const;

/** Ends an unfulfilled order: its units are free again, or leave the shelf. */
export function endOrder(
  { id }: CommandOf<'order.cancel' | 'order.fulfil'>,
  order: Order,
  status: keyof typeof ends,
  state: WorkingState,
): Decision {
  if (order.status !== 'confirmed') return refusedFor('order-not-open', { orderStatus: order.status });
  const { orderId, customerId, branchId, totalCents } = order;
  const lines = linesOf(order.lines);
  const elsewhere = notOwned(
    lines.map(({ productId }) => productId),
    state,
  );
  if (elsewhere !== undefined) return elsewhere;
  const { movement, change, leaves } = ends[status];
  for (const { productId, quantity } of lines) {
    const level = state.stock.level(productId, CENTRAL);
    state.stock.move(level, { movement, onHandDelta: leaves ? -quantity : 0, reservedDelta: -quantity }, id);
  }
  state.orders.end(order, status, state.at);
  const result = { orderId, status, lines };
  // A cancelled sale needs its prices; a fulfilled one stays as it was.
  const changed = status === 'cancelled' ? pricedLinesOf(order).map(({ name, ...line }) => line) : lines;
  return done(result, { type: change, data: { ...result, lines: changed, customerId, branchId, totalCents } });
}
