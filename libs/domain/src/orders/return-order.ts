import type { OrderLine } from '@eco/contracts';
import { done, refused, whyNotOwned, type OwnedRules } from '../rules.js';
import type { Order } from './order.js';
import { linesOf, pricedLinesOf } from './orders.js';

export const returnOrder: OwnedRules<'order.return'> = {
  need({ body }, keys) {
    keys.orderIds.add(body.orderId);
    keys.locations.add(body.location);
    // The levels are requested separately: the order may be placed in the same batch, and then no stored order brings
    // them along.
    for (const { productId } of body.lines) keys.stockProductIds.add(productId);
  },
  ownerOf({ body }, state) {
    return state.orders.ownerOf(body.orderId, body.customerId);
  },
  /** Returns all lines or none. The units are on hand again at once. Unsellable units are then adjusted away. */
  decide({ id, body }, state) {
    const { orderId, customerId, location, lines } = body;
    const order = state.orders.find(orderId, customerId);
    if (order === undefined) return refused('order-unknown');
    if (!state.locations.has(location)) return refused('location-unknown', { unknownLocations: [location] });
    if (order.status !== 'fulfilled') return refused('order-not-fulfilled', { orderStatus: order.status });
    const returnable = ({ productId }: OrderLine) =>
      quantityIn(order.lines, productId) - quantityIn(order.returned, productId);
    const excess = lines
      .filter((line) => line.quantity > returnable(line))
      .map((line) => ({ productId: line.productId, asked: line.quantity, returnable: returnable(line) }));
    if (excess.length > 0) return refused('return-exceeds-order', { excess });
    const elsewhere = whyNotOwned(
      lines.map(({ productId }) => productId),
      state,
    );
    if (elsewhere !== undefined) return elsewhere;
    for (const { productId, quantity } of lines) {
      const level = state.stock.level(productId, location);
      state.stock.move(level, { movement: 'returned', onHandDelta: quantity, reservedDelta: 0 }, id);
    }
    const returned = sumOf(order.returned, lines);
    state.orders.take(order, returned);
    const result = { orderId, location, lines: linesOf(lines), returned };
    const changed = result.lines.map((line) => ({
      ...line,
      unitPriceCents: priceIn(order, line.productId),
      unitsKept: returnable(line) - line.quantity,
    }));
    const unitsKept = unitsIn(order.lines) - unitsIn(returned);
    const data = { ...result, lines: changed, unitsKept, customerId, branchId: order.branchId };
    return done(result, { type: 'order.returned', data });
  },
};

/** The price of a product in the order. The order must have a line of it. */
function priceIn(order: Order, productId: string): number {
  const line = pricedLinesOf(order).find((each) => each.productId === productId);
  if (line === undefined) throw new Error(`order ${order.orderId} has no ${productId}`);
  return line.unitPriceCents;
}

function unitsIn(lines: readonly OrderLine[]): number {
  return lines.reduce((units, { quantity }) => units + quantity, 0);
}

function quantityIn(lines: readonly OrderLine[], productId: string): number {
  return lines.find((line) => line.productId === productId)?.quantity ?? 0;
}

function sumOf(before: readonly OrderLine[], lines: readonly OrderLine[]): OrderLine[] {
  const quantities = new Map(before.map(({ productId, quantity }) => [productId, quantity]));
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }));
}
