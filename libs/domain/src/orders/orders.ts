import { CENTRAL, type OrderLine, type PricedLine } from '@eco/contracts';
import type { Effects } from '../effects.js';
import type { BatchState } from '../state.js';
import type { Order, OrderRow, OrderUpdateRow } from './order.js';

/** The orders: as loaded, plus those placed in this batch, with all its changes. */
export class Orders {
  readonly #placed = new Map<string, OrderRow>();
  readonly #updates = new Map<string, OrderUpdateRow>();
  readonly #stored: BatchState['orders'];
  readonly #effects: Pick<Effects, 'orders' | 'orderUpdates'>;

  constructor(stored: BatchState['orders'], effects: Pick<Effects, 'orders' | 'orderUpdates'>) {
    this.#stored = stored;
    this.#effects = effects;
  }

  /** The order. Undefined: it does not exist, or belongs to another customer. */
  find(orderId: string, customerId: string): Order | undefined {
    const placed = this.#placed.get(orderId);
    const order = placed === undefined ? this.#stored.get(orderId) : { ...placed, returned: [] };
    if (order?.customerId !== customerId) return undefined;
    const update = this.#updates.get(orderId);
    return update === undefined ? order : { ...order, status: update.status, returned: update.returned };
  }

  /**
   * Owner of the order: the branch that placed it, or `central`. Undefined: the order does not exist, or belongs to
   * another customer.
   */
  ownerOf(orderId: string, customerId: string): string | undefined {
    const order = this.find(orderId, customerId);
    return order && (order.branchId ?? CENTRAL);
  }

  place(order: OrderRow): void {
    this.#placed.set(order.orderId, order);
    this.#effects.orders.push(order);
  }

  /** The order ends: cancelled or fulfilled. */
  end(order: Order, status: 'cancelled' | 'fulfilled', at: string): void {
    Object.assign(this.#update(order), { status, endedAt: at });
  }

  /** `returned`: all units returned so far. */
  take(order: Order, returned: OrderLine[]): void {
    this.#update(order).returned = returned;
  }

  /** An order placed in this batch takes over the units of a reservation. */
  takeOver(orderId: string, reservationId: string): void {
    const { status } = this.#placed.get(orderId) as OrderRow;
    this.#update({ orderId, status, returned: [] }).reservationId = reservationId;
  }

  #update({ orderId, status, returned }: Pick<Order, 'orderId' | 'status' | 'returned'>): OrderUpdateRow {
    let update = this.#updates.get(orderId);
    if (update === undefined) {
      update = { orderId, status, reservationId: null, endedAt: null, returned };
      this.#updates.set(orderId, update);
      this.#effects.orderUpdates.push(update);
    }
    return update;
  }
}

/** Lines of a confirmed order: they were stored with their prices. */
export function pricedLinesOf({ lines }: Order): PricedLine[] {
  return lines as PricedLine[];
}

export function linesOf(lines: readonly OrderLine[]): OrderLine[] {
  return lines.map(({ productId, quantity }) => ({ productId, quantity }));
}
