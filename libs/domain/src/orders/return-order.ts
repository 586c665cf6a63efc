import type { OrderLine } from '@eco/contracts';
import { done, notOwned, refusedFor, type Rules } from '../rules.js';
import { linesOf, pricedLinesOf } from './orders.js';

export const returnOrder: Rules<'order.return'> = {
  need({ body }, keys) {
    keys.orderIds.add(body.orderId);
    keys.locations.add(body.location);
    // Not together with the order, which may be placed in the same batch.
    for (const { productId } of body.lines) keys.stockProductIds.add(productId);
  },
  /** All lines or none. The units are on hand again at once; unsellable ones are adjusted away. */
  decide({ id, body }, state) {
    const { orderId, customerId, location, lines } = body;
    const order = state.orders.find(orderId, customerId);
    if (order === undefined) return refusedFor('order-unknown');
    if (!state.locations.has(location)) return refusedFor('location-unknown', { unknownLocations: [location] });
    if (order.status !== 'fulfilled') return refusedFor('order-not-fulfilled', { orderStatus: order.status });
    const returnable = ({ productId }: OrderLine) =>
      quantityIn(order.lines, productId) - quantityIn(order.returned, productId);
    const excess = lines
      .filter((line) => line.quantity > returnable(line))
      .map((line) => ({ productId: line.productId, asked: line.quantity, returnable: returnable(line) }));
    if (excess.length > 0) return refusedFor('return-exceeds-order', { excess });
    const elsewhere = notOwned(
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
    const priceOf = new Map(pricedLinesOf(order).map((line) => [line.productId, line.unitPriceCents]));
    const changed = result.lines.map((line) => ({
      ...line,
      unitPriceCents: priceOf.get(line.productId),
      unitsKept: returnable(line) - line.quantity,
    }));
    const unitsKept = unitsIn(order.lines) - unitsIn(returned);
    const data = { ...result, lines: changed, unitsKept, customerId, branchId: order.branchId };
    return done(result, { type: 'order.returned', data });
  },
};

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
