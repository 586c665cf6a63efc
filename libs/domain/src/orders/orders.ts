import type { OrderLine, PricedLine } from '@eco/contracts';
import type { Effects, OrderUpdateRow } from '../effects.js';
import type { BatchState, Order } from '../state.js';

/**
 * The orders that change after they were placed: as loaded, or as placed earlier in the batch, plus this batch's
 * changes. An order that is only placed costs nothing here.
 */
export class Orders {
  private readonly placed = new Map<string, Order>();
  private placedSeen = 0;
  private readonly updates = new Map<string, OrderUpdateRow>();

  constructor(
    private readonly stored: BatchState['orders'],
    private readonly effects: Pick<Effects, 'orders' | 'orderUpdates'>,
  ) {}

  /** Undefined: it does not exist, or is another customer's. */
  find(orderId: string, customerId: string): Order | undefined {
    const order = this.placedHere(orderId) ?? this.stored.get(orderId);
    if (order?.customerId !== customerId) return undefined;
    const update = this.updates.get(orderId);
    return update === undefined ? order : { ...order, status: update.status, returned: update.returned };
  }

  /** The order ends: cancelled or fulfilled. */
  end(order: Order, status: 'cancelled' | 'fulfilled', at: string): void {
    Object.assign(this.update(order), { status, endedAt: at });
  }

  /** `returned`: all units returned so far. */
  take(order: Order, returned: OrderLine[]): void {
    this.update(order).returned = returned;
  }

  /** An order placed in this batch takes over the units of a reservation. */
  takeOver(orderId: string, reservationId: string): void {
    this.update(this.placedHere(orderId) as Order).reservationId = reservationId;
  }

  private update(order: Order): OrderUpdateRow {
    const { orderId, status, returned } = order;
    let update = this.updates.get(orderId);
    if (update === undefined) {
      update = { orderId, status, reservationId: null, endedAt: null, returned };
      this.updates.set(orderId, update);
      this.effects.orderUpdates.push(update);
    }
    return update;
  }

  private placedHere(orderId: string): Order | undefined {
    const { orders } = this.effects;
    for (; this.placedSeen < orders.length; this.placedSeen += 1) {
      const row = orders[this.placedSeen] as Effects['orders'][number];
      this.placed.set(row.orderId, { ...row, returned: [] });
    }
    return this.placed.get(orderId);
  }
}

/** Lines of a confirmed order: they were stored with their prices. */
export function pricedLinesOf({ lines }: Order): PricedLine[] {
  return lines as PricedLine[];
}

export function linesOf(lines: readonly OrderLine[]): OrderLine[] {
  return lines.map(({ productId, quantity }) => ({ productId, quantity }));
}
