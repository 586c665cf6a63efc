import { CENTRAL } from '@eco/contracts';
import { refused, whyNotOwned, type NotOwned, type Refused } from '../rules.js';
import type { WorkingState } from '../working-state.js';
import type { Order } from './order.js';

const ends = {
  cancelled: { movement: 'released', leaves: false },
  fulfilled: { movement: 'fulfilled', leaves: true },
} as const;

/**
 * Ends an order that is not fulfilled: its units are free again, or leave the shelf. Undefined: the order has ended
 * already.
 */
export function endOrder(
  commandId: string,
  order: Order,
  status: keyof typeof ends,
  state: WorkingState,
): Refused<'order-not-open'> | NotOwned | undefined {
  if (order.status !== 'confirmed') return refused('order-not-open', { orderStatus: order.status });
  const elsewhere = whyNotOwned(
    order.lines.map(({ productId }) => productId),
    state,
  );
  if (elsewhere !== undefined) return elsewhere;
  const { movement, leaves } = ends[status];
  for (const { productId, quantity } of order.lines) {
    const level = state.stock.level(productId, CENTRAL);
    state.stock.move(level, { movement, onHandDelta: leaves ? -quantity : 0, reservedDelta: -quantity }, commandId);
  }
  state.orders.end(order, status, state.at);
  return undefined;
}
